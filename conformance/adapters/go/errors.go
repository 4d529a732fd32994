package main

import (
	"encoding/json"
	"fmt"
	"math"
)

// ClientError is what a call of the client may end in.
type ClientError struct {
	Kind           string // api, transport, timeout, configuration, encoding, closed
	Type           string // the canonical name
	Text           string
	Code           string
	Status         int
	Retryable      bool
	Attempts       int
	RequestID      string
	OutcomeUnknown bool
	Transport      string // connect, lost or protocol
	Problem        map[string]any
}

func (e *ClientError) Error() string { return e.Text }

var typeOfCode = map[string]string{
	"entity_not_found":          "EntityNotFound",
	"namespace_not_found":       "NamespaceNotFound",
	"collection_not_found":      "CollectionNotFound",
	"namespace_exists":          "AlreadyExists",
	"collection_exists":         "AlreadyExists",
	"collection_model_mismatch": "ModelMismatch",
	"namespace_not_empty":       "NamespaceNotEmpty",
	"outcome_unknown":           "OutcomeUnknown",
}

var typeOfStatus = map[int]string{
	401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 412: "PreconditionFailed", 413: "TooLarge",
	421: "WrongShard", 422: "IdempotencyKeyReused", 429: "TooManyRequests", 503: "Unavailable", 507: "DiskFull",
}

// newAPIError is the error for an answer; problem is empty if the answer was no problem document.
func newAPIError(status int, problem map[string]any) *ClientError {
	code, _ := problem["code"].(string)
	detail, _ := problem["detail"].(string)
	kind := typeOfCode[code]
	if kind == "" {
		kind = typeOfStatus[status]
	}
	if kind == "" {
		switch {
		case status >= 500:
			kind = "Server"
		case status >= 400:
			kind = "BadRequest"
		default:
			kind = "Api"
		}
	}
	return &ClientError{
		Kind: "api", Type: kind, Code: code, Status: status, Problem: problem,
		Text: fmt.Sprintf("%d %s: %s", status, code, detail),
	}
}

// finish adds what is known only when the call ends, and says it in the text, too.
func (e *ClientError) finish(attempts int, id string) {
	e.Attempts, e.RequestID = attempts, id
	if told, ok := e.Problem["request_id"].(string); ok && told != "" {
		e.RequestID = told
	}
	if e.OutcomeUnknown {
		e.Text += "; the outcome is unknown: the write may have happened"
	}
	e.Text += fmt.Sprintf(" [attempts: %d, request %s]", attempts, e.RequestID)
}

func configurationError(text string) *ClientError {
	return &ClientError{Kind: "configuration", Type: "Configuration", Text: text}
}

// describe is an error as the protocol tells it.
func describe(err error) map[string]any {
	switch e := err.(type) {
	case *InvalidUrn:
		return map[string]any{
			"kind": "invalid_urn", "type": "InvalidUrn", "message": e.Error(), "reason": e.Reason, "position": e.Position,
		}
	case *ClientError:
		found := map[string]any{"kind": e.Kind, "type": e.Type, "message": e.Text}
		if e.Kind == "api" || e.Kind == "transport" || e.Kind == "timeout" {
			found["attempts"], found["request_id"], found["outcome_unknown"] = e.Attempts, e.RequestID, e.OutcomeUnknown
		}
		switch {
		case e.Kind == "transport":
			found["transport"] = e.Transport
		case e.Kind == "api":
			found["code"], found["status"], found["retryable"] = e.Code, e.Status, e.Retryable
			e.addFacts(found)
		}
		return found
	default:
		return map[string]any{"kind": "crash", "type": "crash", "message": err.Error()}
	}
}

func (e *ClientError) addFacts(found map[string]any) {
	switch e.Type {
	case "PreconditionFailed":
		found["version"] = integer(e.Problem["version"])
	case "TooLarge":
		found["limit"] = integer(e.Problem["limit"])
	case "TooManyRequests":
		if number, ok := e.Problem["retry_after_s"].(json.Number); ok {
			if seconds, err := number.Float64(); err == nil {
				found["retry_after_ms"] = int64(math.Round(seconds * 1000))
			}
		}
	}
}

// integer is a member of a problem document as an integer, nil if it is none.
func integer(member any) any {
	if number, ok := member.(json.Number); ok {
		if value, err := number.Int64(); err == nil {
			return value
		}
	}
	return nil
}
