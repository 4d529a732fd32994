package main

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"regexp"
	"strconv"
	"strings"
)

// The functions of this client for the rules of spec/vectors.

type vectorInput struct {
	Text         string     `json:"text"`
	Hex          string     `json:"hex"`
	UUID         string     `json:"uuid"`
	ShardID      string     `json:"shard_id"`
	ShardIDs     []string   `json:"shard_ids"`
	VirtualNodes int        `json:"virtual_nodes"`
	Tokens       [][]string `json:"tokens"`
	Hash         string     `json:"hash"`
	Version      string     `json:"version"`
	ETag         string     `json:"etag"`
}

var errRefused = errors.New("refused")

func applyVector(rule, op string, raw json.RawMessage) (map[string]any, error) {
	var in vectorInput
	if err := json.Unmarshal(raw, &in); err != nil {
		return nil, err
	}
	function := vectorFunctions[rule+" "+op]
	if function == nil {
		return map[string]any{"absent": true}, nil
	}
	found, err := function(in)
	var invalid *InvalidUrn
	switch {
	case errors.As(err, &invalid):
		return map[string]any{"refused": map[string]any{"reason": invalid.Reason, "position": invalid.Position}}, nil
	case err != nil:
		return map[string]any{"refused": map[string]any{}}, nil
	}
	return map[string]any{"expect": found}, nil
}

var vectorFunctions = map[string]func(vectorInput) (map[string]any, error){
	"urn parse": func(in vectorInput) (map[string]any, error) {
		urn, err := ParseUrn(in.Text)
		return map[string]any{
			"model": urn.Model, "namespace": urn.Namespace, "collection": urn.Collection, "uuid": urn.UUID,
			"text": urn.String(), "quoted": urn.Quoted(),
		}, err
	},
	"hash xxh64": func(in vectorInput) (map[string]any, error) {
		data, err := hex.DecodeString(in.Hex)
		return map[string]any{"hash": hexed(xxh64(data))}, err
	},
	"hash xxh64_text": func(in vectorInput) (map[string]any, error) {
		return map[string]any{"hash": hexed(xxh64([]byte(in.Text)))}, nil
	},
	"hash key_hash": func(in vectorInput) (map[string]any, error) {
		return map[string]any{"hash": hexed(KeyHash(in.UUID))}, nil
	},
	"ring ring_tokens": func(in vectorInput) (map[string]any, error) {
		tokens := []string{}
		for _, token := range RingTokens(in.ShardID, in.VirtualNodes) {
			tokens = append(tokens, hexed(token))
		}
		return map[string]any{"tokens": tokens}, nil
	},
	"ring token_table": func(in vectorInput) (map[string]any, error) {
		table, err := BuildTable(in.ShardIDs, in.VirtualNodes)
		if err != nil {
			return nil, err
		}
		wire := table.Wire()
		var lines strings.Builder
		for _, pair := range wire {
			lines.WriteString(pair[0] + " " + pair[1] + "\n")
		}
		return map[string]any{
			"count": len(wire), "first": wire[0], "last": wire[len(wire)-1],
			"digest": hexed(xxh64([]byte(lines.String()))), "tokens": wire,
		}, nil
	},
	"ring resolve": func(in vectorInput) (map[string]any, error) {
		table, err := TableFromWire(in.Tokens)
		return map[string]any{"tokens": table.Wire()}, err
	},
	"ring locate": func(in vectorInput) (map[string]any, error) {
		table, err := TableFromWire(in.Tokens)
		if err != nil {
			return nil, err
		}
		hash, err := strconv.ParseUint(in.Hash, 16, 64)
		return map[string]any{"shard_id": table.Shard(hash)}, err
	},
	"ring locate_built": func(in vectorInput) (map[string]any, error) {
		table, err := BuildTable(in.ShardIDs, in.VirtualNodes)
		if err != nil {
			return nil, err
		}
		hash := KeyHash(in.UUID)
		return map[string]any{"hash": hexed(hash), "shard_id": table.Shard(hash)}, nil
	},
	"ring ranges": func(in vectorInput) (map[string]any, error) {
		table, err := TableFromWire(in.Tokens)
		if err != nil {
			return nil, err
		}
		return map[string]any{"ranges": table.Ranges(in.ShardID)}, nil
	},
	"ring from_wire": func(in vectorInput) (map[string]any, error) {
		table, err := TableFromWire(in.Tokens)
		return map[string]any{"count": len(table)}, err
	},
	"etag format": func(in vectorInput) (map[string]any, error) {
		return map[string]any{"etag": `"` + in.Version + `"`}, nil
	},
	"etag parse": func(in vectorInput) (map[string]any, error) {
		version, ok := parseETag(in.ETag)
		if !ok {
			return nil, errRefused
		}
		return map[string]any{"version": strconv.FormatInt(version, 10)}, nil
	},
}

const versionMax = 1<<53 - 1

var etagText = regexp.MustCompile(`^"([1-9][0-9]{0,15})"$`)

func parseETag(text string) (int64, bool) {
	found := etagText.FindStringSubmatch(text)
	if found == nil {
		return 0, false
	}
	version, err := strconv.ParseInt(found[1], 10, 64)
	return version, err == nil && version <= versionMax
}
