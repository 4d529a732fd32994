package main

import (
	"fmt"
	"strings"
)

// Urn is the valid, normalised name of an entity.
type Urn struct{ Model, Namespace, Collection, UUID string }

// InvalidUrn says which part of a text was refused, and at which character.
type InvalidUrn struct {
	Reason   string
	Position int
}

func (e *InvalidUrn) Error() string {
	return fmt.Sprintf("no URN: wrong %s (at character %d)", e.Reason, e.Position)
}

var models = map[string]bool{"relational": true, "document": true, "graph": true, "vector": true, "timeseries": true}

const (
	nilUUID   = "00000000-0000-0000-0000-000000000000"
	nameMax   = 63
	uuidChars = 36
)

func (u Urn) String() string {
	return strings.Join([]string{"urn:themis", u.Model, u.Namespace, u.Collection, u.UUID}, ":")
}

// Quoted is the URN as one segment of a path: the colons are all there is to encode.
func (u Urn) Quoted() string { return strings.ReplaceAll(u.String(), ":", "%3A") }

// ParseUrn judges the parts from left to right; the first mistake is the one reported.
func ParseUrn(text string) (Urn, error) {
	parts := strings.SplitN(text, ":", 6)
	refuse := func(reason string, position int) (Urn, error) {
		return Urn{}, &InvalidUrn{reason, min(position, len(text))}
	}
	if asciiLower(parts[0]) != "urn" {
		return refuse("scheme", 0)
	}
	if len(parts) < 2 || asciiLower(parts[1]) != "themis" {
		return refuse("nid", 4)
	}
	if len(parts) < 3 || !models[parts[2]] {
		return refuse("model", 11)
	}
	position := 11 + len(parts[2]) + 1
	for index, reason := range []string{"namespace", "collection"} {
		if len(parts) <= 3+index {
			return refuse(reason, len(text))
		}
		name := parts[3+index]
		if wrong := wrongInName(name); wrong >= 0 {
			return refuse(reason, position+wrong)
		}
		position += len(name) + 1
	}
	if len(parts) < 6 {
		return refuse("uuid", len(text))
	}
	uuid := parts[5]
	if uuid == nilUUID {
		return refuse("nil_uuid", position)
	}
	for i := 0; i < len(uuid) && i < uuidChars; i++ {
		wantsDash := i == 8 || i == 13 || i == 18 || i == 23
		if (uuid[i] == '-') != wantsDash || (!wantsDash && !isHex(uuid[i])) {
			return refuse("uuid", position+i)
		}
	}
	if len(uuid) != uuidChars {
		return refuse("uuid", position+min(len(uuid), uuidChars))
	}
	return Urn{parts[2], parts[3], parts[4], asciiLower(uuid)}, nil
}

// wrongInName is the index of the first character that cannot stay, -1 if all may.
func wrongInName(name string) int {
	if name == "" {
		return 0
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_'
		if !ok && (i == 0 || c != '.' && c != '-') {
			return i
		}
		if i == nameMax {
			return nameMax
		}
	}
	return -1
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// asciiLower lowers ASCII letters only: strings.ToLower would make a k of the Kelvin sign.
func asciiLower(text string) string {
	lowered := []byte(text)
	for i, c := range lowered {
		if c >= 'A' && c <= 'Z' {
			lowered[i] = c + 'a' - 'A'
		}
	}
	return string(lowered)
}
