// Command porcupine is a second opinion on a history: it reads the JSON lines that robustness/history.py writes and
// asks Porcupine (Athalye, 2017) whether each key is linearizable.
//
// It shares nothing with the checker in Python but the file: the model is written anew, here, and no operation is
// simplified away. It prints one JSON object, {"keys", "operations", "illegal": [...], "undecided": [...]}, and exits
// with 0 (all keys are linearizable), 1 (one is not), 2 (one could not be decided in time, or there was none), or 3 (the
// history could not be read).
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"sort"
	"time"

	"github.com/anishathalye/porcupine"
)

const failedCondition = "precondition_failed"

// operation is a line of the history; see Operation in robustness/history.py.
type operation struct {
	Client      int     `json:"client"`
	Kind        string  `json:"kind"`
	Key         string  `json:"key"`
	Invoked     int64   `json:"invoked"`
	Completed   int64   `json:"completed"`
	Outcome     string  `json:"outcome"`
	Argument    *string `json:"argument"`
	Value       *string `json:"value"`
	Expected    *int64  `json:"expected"`
	Version     *int64  `json:"version"`
	Consistency string  `json:"consistency"`
	Code        string  `json:"code"`
}

// register is the state of a key. When a write's version is not known, version is what it lies above and exact is false.
type register struct {
	value   string
	present bool
	version int64
	exact   bool
}

func orZero(number *int64) int64 {
	if number == nil {
		return 0
	}
	return *number
}

// pinned returns the state with its version known to be this one, or false if it is another.
func (state register) pinned(version int64) (register, bool) {
	if state.exact {
		return state, state.version == version
	}
	known := register{state.value, state.present, version, true}
	return known, version > state.version
}

// step returns the state after an operation, or false if the operation cannot be answered so in this state.
func (state register) step(asked operation) (register, bool) {
	failed := asked.Outcome == "refused" && asked.Code == failedCondition
	switch {
	case asked.Kind == "read":
		if state.present != (asked.Value != nil) || (state.present && state.value != *asked.Value) {
			return state, false
		}
		return state.pinned(orZero(asked.Version))
	case failed && asked.Kind == "insert":
		if orZero(asked.Version) == 0 {
			return state, false
		}
		return state.pinned(orZero(asked.Version))
	case failed:
		if asked.Expected != nil && *asked.Expected == orZero(asked.Version) {
			return state, false
		}
		return state.pinned(orZero(asked.Version))
	}
	unknown := asked.Outcome == "unknown"
	switch asked.Kind {
	case "insert":
		if state.present {
			return state, unknown // An open insert that comes too late changes nothing.
		}
	case "cas":
		if !state.present || asked.Expected == nil {
			return state, unknown
		}
		matched, holds := state.pinned(*asked.Expected)
		if !holds {
			return state, unknown
		}
		state = matched
	}
	if unknown {
		return register{*asked.Argument, true, state.version, false}, true
	}
	written := register{*asked.Argument, true, orZero(asked.Version), true}
	return written, written.version > state.version
}

var model = porcupine.Model{
	Init: func() interface{} { return register{exact: true} },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		after, possible := state.(register).step(input.(operation))
		return possible, after
	},
	DescribeOperation: func(input, output interface{}) string { return fmt.Sprintf("%+v", input) },
}

// takesPart says whether a line is judged: strong reads that were answered, and writes that happened, may have, or
// found their condition false.
func takesPart(asked operation) bool {
	if asked.Kind == "read" {
		return asked.Outcome == "ok" && (asked.Consistency == "" || asked.Consistency == "strong")
	}
	return asked.Outcome != "refused" || asked.Code == failedCondition
}

func load(path string) (map[string][]operation, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	keys := map[string][]operation{}
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 0, 1<<16), 1<<24)
	for lines.Scan() {
		var asked operation
		if err := json.Unmarshal(lines.Bytes(), &asked); err != nil {
			return nil, err
		}
		if takesPart(asked) {
			keys[asked.Key] = append(keys[asked.Key], asked)
		}
	}
	return keys, lines.Err()
}

func history(asked []operation) []porcupine.Operation {
	var found []porcupine.Operation
	for number, each := range asked {
		end := each.Completed
		if each.Outcome == "unknown" {
			end = math.MaxInt64
		}
		// A client whose answer never came begins anew: Porcupine takes a client to do one thing at a time.
		found = append(found, porcupine.Operation{ClientId: number, Input: each, Call: each.Invoked, Return: end})
	}
	return found
}

type report struct {
	Keys       int      `json:"keys"`
	Operations int      `json:"operations"`
	Illegal    []string `json:"illegal"`
	Undecided  []string `json:"undecided"`
}

func main() {
	limit := flag.Duration("timeout", time.Minute, "how long each key may take")
	flag.Parse()
	keys, err := load(flag.Arg(0))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(3)
	}
	found := report{Keys: len(keys), Illegal: []string{}, Undecided: []string{}}
	for key, asked := range keys {
		found.Operations += len(asked)
		switch porcupine.CheckOperationsTimeout(model, history(asked), *limit) {
		case porcupine.Illegal:
			found.Illegal = append(found.Illegal, key)
		case porcupine.Unknown:
			found.Undecided = append(found.Undecided, key)
		}
	}
	sort.Strings(found.Illegal)
	sort.Strings(found.Undecided)
	text, _ := json.Marshal(found)
	fmt.Println(string(text))
	switch {
	case len(found.Illegal) > 0:
		os.Exit(1)
	case len(found.Undecided) > 0 || len(keys) == 0:
		os.Exit(2)
	}
}
