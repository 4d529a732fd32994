// A client of ThemisDB for single entities, and its adapter for themis-conformance: made from conformance/PROTOCOL.md
// and spec/ alone, to prove that these are enough.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
)

type command struct {
	ID       int64           `json:"id"`
	Do       string          `json:"do"`
	Rule     string          `json:"rule"`
	Op       string          `json:"op"`
	Input    json.RawMessage `json:"input"`
	Client   string          `json:"client"`
	Options  json.RawMessage `json:"options"`
	Args     json.RawMessage `json:"args"`
	Mode     string          `json:"mode"`
	Protocol int             `json:"protocol"`
}

type adapter struct {
	clients map[string]*Client
	mutex   sync.Mutex
	out     *bufio.Writer
}

// unsupported is what the adapter does not understand.
type unsupported struct{ why string }

func (u unsupported) Error() string { return u.why }

var entityOps = map[string]bool{"get": true, "get_entity": true, "exists": true, "put": true, "patch": true, "delete": true}

func main() {
	a := &adapter{clients: map[string]*Client{}, out: bufio.NewWriter(os.Stdout)}
	in := bufio.NewReaderSize(os.Stdin, 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			a.obey(line)
		}
		if err != nil {
			break
		}
	}
	// Calls that still run are not waited for: the runner has hung up.
	for _, client := range a.clients {
		client.Close()
	}
}

func (a *adapter) obey(line []byte) {
	var do command
	if err := strictly(line, &do); err != nil {
		a.reply(do.ID, nil, unsupported{err.Error()})
		return
	}
	switch do.Do {
	case "hello":
		a.reply(do.ID, map[string]any{
			"protocol": 1, "sdk": "themis-go-tiny", "version": "0.1.0", "language": "Go " + runtime.Version()[2:],
			"modes": []string{"sync"}, "features": []string{"vectors", "entities"},
		}, nil)
	case "vector":
		value, err := applyVector(do.Rule, do.Op, do.Input)
		a.reply(do.ID, value, err)
	case "createClient":
		a.reply(do.ID, map[string]any{}, a.createClient(do))
	case "call":
		client, args, err := a.prepare(do)
		if err != nil {
			a.reply(do.ID, nil, err)
			return
		}
		go func() {
			value, err := client.Do(do.Op, args)
			a.reply(do.ID, value, err)
		}()
	case "closeClient":
		if client := a.clients[do.Client]; client != nil {
			client.Close()
		}
		a.reply(do.ID, map[string]any{}, nil)
	default:
		a.reply(do.ID, nil, unsupported{"the command " + do.Do})
	}
}

func (a *adapter) createClient(do command) error {
	var options Options
	if err := strictly(do.Options, &options); err != nil {
		return unsupported{err.Error()}
	}
	client, err := NewClient(options)
	if err == nil {
		a.clients[do.Client] = client
	}
	return err
}

func (a *adapter) prepare(do command) (*Client, Arguments, error) {
	var args Arguments
	client := a.clients[do.Client]
	if client == nil || !entityOps[do.Op] {
		return nil, args, unsupported{"the op " + do.Op}
	}
	if err := strictly(do.Args, &args); err != nil {
		return nil, args, unsupported{err.Error()}
	}
	for _, document := range []*json.RawMessage{&args.Data, &args.Changes} {
		if *document == nil {
			continue
		}
		plain, err := withoutTags(*document)
		if err != nil {
			return nil, args, err
		}
		*document = plain
	}
	return client, args, nil
}

// strictly decodes JSON; a member that `into` does not have is an error.
func strictly(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// withoutTags is a document of the protocol as plain JSON: {"$int": "9"} becomes 9.
func withoutTags(tagged json.RawMessage) (json.RawMessage, error) {
	var value any
	decoder := json.NewDecoder(bytes.NewReader(tagged))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, err
	}
	var plain bytes.Buffer
	encoder := json.NewEncoder(&plain)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(untagged(value))
	return bytes.TrimSpace(plain.Bytes()), err
}

func untagged(value any) any {
	switch v := value.(type) {
	case map[string]any:
		if text, ok := v["$int"].(string); ok && len(v) == 1 {
			return json.Number(text)
		}
		if literal, ok := v["$literal"].(map[string]any); ok && len(v) == 1 {
			v = literal
		}
		plain := make(map[string]any, len(v))
		for name, member := range v {
			plain[name] = untagged(member)
		}
		return plain
	case []any:
		plain := make([]any, len(v))
		for i, member := range v {
			plain[i] = untagged(member)
		}
		return plain
	}
	return value
}

// tagged is a value as the protocol writes it: integers beyond 2^53-1 as {"$int": "9"}.
func tagged(value any) any {
	switch v := value.(type) {
	case json.Number:
		if digits := strings.TrimPrefix(v.String(), "-"); !strings.ContainsAny(digits, ".eE") && beyondSafe(digits) {
			return map[string]any{"$int": v.String()}
		}
	case map[string]any:
		found := make(map[string]any, len(v))
		for name, member := range v {
			found[name] = tagged(member)
		}
		if _, number := v["$int"]; len(v) == 1 && number {
			return map[string]any{"$literal": found}
		}
		if _, literal := v["$literal"]; len(v) == 1 && literal {
			return map[string]any{"$literal": found}
		}
		return found
	case []any:
		found := make([]any, len(v))
		for i, member := range v {
			found[i] = tagged(member)
		}
		return found
	}
	return value
}

func beyondSafe(digits string) bool {
	const safe = "9007199254740991"
	return len(digits) > len(safe) || len(digits) == len(safe) && digits > safe
}

func (a *adapter) reply(id int64, value any, err error) {
	reply := map[string]any{"id": id}
	switch e := err.(type) {
	case nil:
		reply["value"] = tagged(value)
	case unsupported:
		reply["unsupported"] = e.why
	default:
		reply["error"] = tagged(describe(err))
	}
	line, failed := json.Marshal(reply)
	if failed != nil {
		line = []byte(fmt.Sprintf(`{"id":%d,"error":{"kind":"crash","message":%q}}`, id, failed))
	}
	a.mutex.Lock()
	defer a.mutex.Unlock()
	a.out.Write(append(line, '\n'))
	if a.out.Flush() != nil {
		os.Exit(1) // nobody reads any more
	}
}
