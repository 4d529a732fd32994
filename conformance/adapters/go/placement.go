package main

import (
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
)

// KeyHash is the place of a uuid on the ring.
func KeyHash(uuid string) uint64 { return xxh64([]byte(asciiLower(uuid))) }

// Token is a place on the ring and the shard that owns the hashes up to it.
type Token struct {
	Place uint64
	Shard string
}

// TokenTable is sorted by place; no place occurs twice.
type TokenTable []Token

var tokenText = regexp.MustCompile(`^[0-9a-f]{16}$`)

// NewTokenTable sorts tokens; of equal places the smaller shard id keeps it.
func NewTokenTable(tokens []Token) (TokenTable, error) {
	if len(tokens) == 0 {
		return nil, errors.New("a token table needs at least one token")
	}
	sorted := append([]Token(nil), tokens...)
	sort.Slice(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		return a.Place < b.Place || a.Place == b.Place && a.Shard < b.Shard
	})
	table := sorted[:1]
	for _, token := range sorted[1:] {
		if token.Place != table[len(table)-1].Place {
			table = append(table, token)
		}
	}
	return table, nil
}

// TableFromWire reads [["16 hex digits", shard], ...].
func TableFromWire(wire [][]string) (TokenTable, error) {
	tokens := make([]Token, 0, len(wire))
	for _, pair := range wire {
		if len(pair) != 2 || !tokenText.MatchString(pair[0]) {
			return nil, fmt.Errorf("not a [token, shard] pair: %v", pair)
		}
		place, err := strconv.ParseUint(pair[0], 16, 64)
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, Token{place, pair[1]})
	}
	return NewTokenTable(tokens)
}

// RingTokens are the tokens of one shard, in the order of their numbers.
func RingTokens(shard string, count int) []uint64 {
	tokens := make([]uint64, count)
	for i := range tokens {
		tokens[i] = xxh64([]byte(fmt.Sprintf("%s#%d", shard, i)))
	}
	return tokens
}

// BuildTable is the ring of some shards.
func BuildTable(shards []string, virtualNodes int) (TokenTable, error) {
	var tokens []Token
	for _, shard := range shards {
		for _, place := range RingTokens(shard, virtualNodes) {
			tokens = append(tokens, Token{place, shard})
		}
	}
	return NewTokenTable(tokens)
}

// Shard is the owner of a hash: that of the first token that is not below it, wrapping past the last one.
func (t TokenTable) Shard(hash uint64) string {
	i := sort.Search(len(t), func(i int) bool { return t[i].Place >= hash })
	return t[i%len(t)].Shard
}

// Wire is the table as the topology carries it.
func (t TokenTable) Wire() [][]string {
	wire := make([][]string, len(t))
	for i, token := range t {
		wire[i] = []string{hexed(token.Place), token.Shard}
	}
	return wire
}

// Ranges are the hashes that a shard owns, both ends included, ascending, those that touch as one.
func (t TokenTable) Ranges(shard string) [][]string {
	found := [][]string{}
	var end uint64
	add := func(first, last uint64) {
		if len(found) > 0 && end+1 == first {
			found[len(found)-1][1] = hexed(last)
		} else {
			found = append(found, []string{hexed(first), hexed(last)})
		}
		end = last
	}
	var first uint64
	for _, token := range t {
		if token.Shard == shard {
			add(first, token.Place)
		}
		first = token.Place + 1
	}
	// first is 0 again when a token stands at the very end of the ring.
	if t[0].Shard == shard && first != 0 {
		add(first, ^uint64(0))
	}
	return found
}

func hexed(value uint64) string { return fmt.Sprintf("%016x", value) }
