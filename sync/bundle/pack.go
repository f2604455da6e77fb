package bundle

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Pack compresses a document into what a store holds, and says how a manifest refers to it; the caller fills in the counts of flags.
func Pack(document []byte) (stored []byte, ref Ref, err error) {
	if stored, err = compress(document); err != nil {
		return nil, Ref{}, err
	}
	return stored, Ref{Digest: Sum(stored), Size: int64(len(stored)), ContentDigest: Sum(document)}, nil
}

// compress gives one gzip member. A document that repeats itself so much that readers would take it for a bomb is packed looser.
func compress(data []byte) ([]byte, error) {
	for _, level := range []int{gzip.BestCompression, gzip.HuffmanOnly, gzip.NoCompression} {
		var out bytes.Buffer
		w, err := gzip.NewWriterLevel(&out, level)
		if err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		if _, err := w.Write(data); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		if err := w.Close(); err != nil {
			return nil, fmt.Errorf("compress: %w", err)
		}
		if len(data) <= out.Len()*MaxRatio*4/5 {
			return out.Bytes(), nil
		}
	}
	return nil, errors.New("compress: no level keeps the ratio") // stored blocks always do
}

// decompress reads one gzip member with nothing after it, of at most limit bytes and at most MaxRatio times its size.
func decompress(stored []byte, limit int) ([]byte, error) {
	if byRatio := len(stored) * MaxRatio; byRatio < limit {
		limit = byRatio
	}
	source := bytes.NewReader(stored)
	r, err := gzip.NewReader(source)
	if err != nil {
		return nil, Refuse(ReasonCompression, "unpack: %w", err)
	}
	r.Multistream(false)
	out := bytes.NewBuffer(make([]byte, 0, unpackedSize(stored, limit)+2*bytes.MinRead))
	_, err = out.ReadFrom(io.LimitReader(r, int64(limit)+1))
	switch {
	case err != nil:
		return nil, Refuse(ReasonCompression, "unpack: %w", err)
	case out.Len() > limit:
		return nil, Refuse(ReasonCompression, "unpack: more than %d bytes out of %d", limit, len(stored))
	case source.Len() > 0:
		return nil, Refuse(ReasonCompression, "unpack: %d bytes after the gzip member", source.Len())
	}
	return out.Bytes(), nil
}

// unpackedSize is what the member says about itself in its last four bytes, within the limit. It is for the memory to be taken in one
// piece, since a buffer that grows leaves several times its size behind, and decides nothing.
func unpackedSize(stored []byte, limit int) int {
	if len(stored) < 4 {
		return 0
	}
	return min(limit, int(binary.LittleEndian.Uint32(stored[len(stored)-4:])))
}
