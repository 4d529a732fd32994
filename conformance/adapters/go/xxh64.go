package main

import (
	"encoding/binary"
	"math/bits"
)

// XXH64 with seed 0, after the specification of the algorithm (github.com/Cyan4973/xxHash, doc/xxhash_spec.md).

const (
	prime1 uint64 = 0x9E3779B185EBCA87
	prime2 uint64 = 0xC2B2AE3D27D4EB4F
	prime3 uint64 = 0x165667B19E3779F9
	prime4 uint64 = 0x85EBCA77C2B2AE63
	prime5 uint64 = 0x27D4EB2F165667C5
)

func xxhRound(lane, input uint64) uint64 {
	return bits.RotateLeft64(lane+input*prime2, 31) * prime1
}

func xxhMerge(hash, lane uint64) uint64 {
	return (hash^xxhRound(0, lane))*prime1 + prime4
}

func xxh64(data []byte) uint64 {
	length := uint64(len(data))
	hash := prime5
	if len(data) >= 32 {
		p1, p2 := prime1, prime2
		v1, v2, v3, v4 := p1+p2, p2, uint64(0), -p1
		for len(data) >= 32 {
			v1 = xxhRound(v1, binary.LittleEndian.Uint64(data))
			v2 = xxhRound(v2, binary.LittleEndian.Uint64(data[8:]))
			v3 = xxhRound(v3, binary.LittleEndian.Uint64(data[16:]))
			v4 = xxhRound(v4, binary.LittleEndian.Uint64(data[24:]))
			data = data[32:]
		}
		hash = bits.RotateLeft64(v1, 1) + bits.RotateLeft64(v2, 7) + bits.RotateLeft64(v3, 12) + bits.RotateLeft64(v4, 18)
		for _, lane := range []uint64{v1, v2, v3, v4} {
			hash = xxhMerge(hash, lane)
		}
	}
	hash += length
	for ; len(data) >= 8; data = data[8:] {
		hash = bits.RotateLeft64(hash^xxhRound(0, binary.LittleEndian.Uint64(data)), 27)*prime1 + prime4
	}
	if len(data) >= 4 {
		hash = bits.RotateLeft64(hash^uint64(binary.LittleEndian.Uint32(data))*prime1, 23)*prime2 + prime3
		data = data[4:]
	}
	for _, b := range data {
		hash = bits.RotateLeft64(hash^uint64(b)*prime5, 11) * prime1
	}
	hash = (hash ^ hash>>33) * prime2
	hash = (hash ^ hash>>29) * prime3
	return hash ^ hash>>32
}
