package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// Arguments of the six operations on an entity, as the protocol names them.
type Arguments struct {
	Model, Collection, UUID string
	Namespace               *string
	Urn                     *string
	Data, Changes           json.RawMessage
	IfMatch                 any `json:"if_match"`
	IfNoneMatch             any `json:"if_none_match"`
	IdempotencyKey          any `json:"idempotency_key"` // a text, or false
	Consistency             string
	MaxLagMs                *int64 `json:"max_lag_ms"`
	TimeoutMs               *int64 `json:"timeout_ms"`
}

func (c *Client) urnOf(args Arguments) (Urn, error) {
	if args.Urn != nil {
		return ParseUrn(*args.Urn)
	}
	namespace := orElse(args.Namespace, c.namespace)
	return ParseUrn(strings.Join([]string{"urn:themis", args.Model, namespace, args.Collection, args.UUID}, ":"))
}

// Do carries out one of get, get_entity, exists, put, patch and delete.
func (c *Client) Do(op string, args Arguments) (any, error) {
	urn, err := c.urnOf(args)
	if err != nil {
		return nil, err
	}
	request := call{
		target: "/entity/" + urn.Quoted(), hash: KeyHash(urn.UUID), headers: map[string]string{},
		timeout: ms(orElse(args.TimeoutMs, c.timeout.Milliseconds())),
	}
	if request.timeout <= 0 || request.timeout > timeoutMax {
		return nil, configurationError("a timeout is positive, and a day at most")
	}
	if err := setTag(request.headers, "If-Match", args.IfMatch); err != nil {
		return nil, err
	}
	if err := setTag(request.headers, "If-None-Match", args.IfNoneMatch); err != nil {
		return nil, err
	}
	switch op {
	case "get", "get_entity", "exists":
		return c.read(op, urn, request, args)
	default:
		return c.write(op, urn, request, args)
	}
}

func (c *Client) read(op string, urn Urn, request call, args Arguments) (any, error) {
	request.method = http.MethodGet
	if op == "exists" {
		request.method = http.MethodHead
	}
	request.expected = []int{304, 404}
	var query []string
	switch args.Consistency {
	case "":
	case "strong", "bounded", "eventual":
		query = append(query, "consistency="+args.Consistency)
		request.anyReplica = args.Consistency != "strong"
	default:
		return nil, configurationError("consistency is strong, bounded or eventual")
	}
	if args.MaxLagMs != nil {
		if args.Consistency != "bounded" || *args.MaxLagMs < 0 {
			return nil, configurationError("max_lag_ms is 0 or more, and goes with consistency=bounded")
		}
		query = append(query, fmt.Sprintf("max_lag_ms=%d", *args.MaxLagMs))
	}
	if query != nil {
		request.target += "?" + strings.Join(query, "&")
	}
	found, err := c.perform(request)
	if err != nil {
		return nil, err
	}
	if op == "exists" {
		return found.status != 404, nil
	}
	if found.status == 404 {
		return nil, absent(found)
	}
	if found.status == 304 {
		if request.headers["If-None-Match"] == "" {
			return nil, found.malformed("nothing was asked conditionally")
		}
		return map[string]any{"not_modified": true}, nil
	}
	document, err := parseObject(found.body)
	if err != nil {
		return nil, found.malformed("its body is no JSON object")
	}
	if op == "get" {
		return document, nil
	}
	version, ok := parseETag(strings.TrimPrefix(found.header.Get("ETag"), "W/"))
	if !ok {
		return nil, found.malformed("its ETag is no version")
	}
	entity := map[string]any{"urn": urn.String(), "version": version, "doc": document, "role": nil, "lag_ms": nil}
	if role := found.header.Get("Themis-Role"); role != "" {
		entity["role"] = role
	}
	if lag, err := strconv.ParseInt(found.header.Get("Themis-Lag-Ms"), 10, 64); err == nil {
		entity["lag_ms"] = lag
	}
	return entity, nil
}

func (c *Client) write(op string, urn Urn, request call, args Arguments) (any, error) {
	request.writes = true
	switch op {
	case "put":
		request.method, request.body = http.MethodPut, args.Data
		request.headers["Content-Type"] = "application/json"
	case "patch":
		request.method, request.body = http.MethodPatch, args.Changes
		request.headers["Content-Type"] = "application/merge-patch+json"
	case "delete":
		request.method, request.expected = http.MethodDelete, []int{404}
	}
	if op != "delete" && !bytes.HasPrefix(bytes.TrimSpace(request.body), []byte("{")) {
		return nil, &ClientError{Kind: "encoding", Type: "Encoding", Text: "a document is a JSON object"}
	}
	if args.IfNoneMatch != nil && args.IfNoneMatch != "*" {
		return nil, configurationError("if_none_match of a write is *")
	}
	switch key := args.IdempotencyKey.(type) {
	case string:
		if !keyText.MatchString(key) || strings.HasSuffix(key, "\n") {
			return nil, configurationError("an idempotency key is 1 to 255 visible ASCII characters")
		}
		request.headers["Idempotency-Key"] = key
	case nil:
		if c.idempotencyKeys {
			request.headers["Idempotency-Key"] = newID()
		}
	}
	found, err := c.perform(request)
	if err != nil {
		return nil, err
	}
	if found.status == 404 {
		return nil, absent(found)
	}
	var written struct {
		Version int64 `json:"version"`
	}
	if err := json.Unmarshal(found.body, &written); err != nil || written.Version < 1 || written.Version > versionMax {
		return nil, found.malformed("its body is no write result")
	}
	return map[string]any{
		"urn": urn.String(), "version": written.Version, "created": op == "put" && found.status == 201,
		"replayed": found.header.Get("Idempotency-Replayed") == "true",
	}, nil
}

// absent is nil when a 404 says that there is no such entity, and an error when it says anything else.
func absent(found *answer) error {
	problem := newAPIError(404, found.problem())
	switch problem.Code {
	case "entity_not_found", "collection_not_found", "namespace_not_found":
		return nil
	}
	problem.finish(found.attempts, found.id)
	return problem
}

// setTag sets a condition: a version, several, or "*".
func setTag(headers map[string]string, name string, given any) error {
	var versions []any
	switch value := given.(type) {
	case nil:
		return nil
	case string:
		if value != "*" {
			return configurationError(name + " is a version, several, or *")
		}
		headers[name] = "*"
		return nil
	case []any:
		versions = value
	default:
		versions = []any{value}
	}
	tags := make([]string, 0, len(versions))
	for _, version := range versions {
		number, ok := version.(json.Number)
		if _, valid := parseETag(`"` + number.String() + `"`); !ok || !valid {
			return configurationError(fmt.Sprintf("%s: %v is no version", name, version))
		}
		tags = append(tags, `"`+number.String()+`"`)
	}
	if len(tags) == 0 {
		return configurationError(name + " names no version")
	}
	headers[name] = strings.Join(tags, ", ")
	return nil
}

func parseObject(body []byte) (map[string]any, error) {
	var document map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	err := decoder.Decode(&document)
	if err == nil && document == nil {
		err = errors.New("null is no object")
	}
	if err == nil && decoder.More() {
		err = errors.New("there is more behind the object")
	}
	return document, err
}
