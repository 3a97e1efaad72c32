package main

import (
	"bytes"
	"compress/lzw"
	"crypto/sha256"
)

// lzwVector is an input by the rule that makes it and what Go's compressor makes of it.
type lzwVector struct {
	// Length bytes, each the seed's next value modulo Values.
	Length int    `json:"length"`
	Values uint32 `json:"values"`
	Seed   uint32 `json:"seed"`
	// CompressedLength and Sha256 describe the output.
	CompressedLength int      `json:"compressedLength"`
	Sha256           hexBytes `json:"sha256"`
}

// bytes follows a linear congruential generator (Numerical Recipes' constants).
func (v lzwVector) bytes() []byte {
	state := v.Seed
	made := make([]byte, v.Length)
	for index := range made {
		state = state*1664525 + 1013904223
		made[index] = byte((state >> 16) % v.Values)
	}
	return made
}

// makeLzwVectors covers what packets are too short for: code widths to 12 bits and a full table.
func makeLzwVectors(path string) error {
	vectors := []lzwVector{}
	for _, values := range []uint32{1, 2, 5, 256} {
		for _, length := range []int{0, 1, 2, 255, 256, 3837, 3838, 3839, 3840, 5000, 100_000} {
			v := lzwVector{Length: length, Values: values, Seed: uint32(length) + values}
			var out bytes.Buffer
			writer := lzw.NewWriter(&out, lzw.LSB, 8)
			if _, err := writer.Write(v.bytes()); err != nil {
				return err
			}
			if err := writer.Close(); err != nil {
				return err
			}
			sum := sha256.Sum256(out.Bytes())
			v.CompressedLength, v.Sha256 = out.Len(), sum[:]
			vectors = append(vectors, v)
		}
	}
	return writeJSON(path, vectors)
}
