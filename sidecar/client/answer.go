package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
)

// Flag is what the sidecar says of one flag.
type Flag struct {
	Key          string          `json:"key"`
	Value        json.RawMessage `json:"value"` // the document's own text; nil: use the code's default
	Variant      string          `json:"variant"`
	Reason       string          `json:"reason"`
	ErrorCode    string          `json:"errorCode"` // OpenFeature's; "" where there is none
	ErrorDetails string          `json:"errorDetails"`
	Metadata     map[string]any  `json:"metadata"` // strings, booleans, numbers as int64 or float64; burgee.* tells what is not as it should be
}

// Err is the flag's error, if it has one.
func (f Flag) Err() error {
	if f.ErrorCode == "" {
		return nil
	}
	return fmt.Errorf("flag %q: %s: %s", f.Key, f.ErrorCode, f.ErrorDetails)
}

// decode reads one whole JSON text.
func decode(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // a float64 would round what an int64 holds
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return fmt.Errorf("%w: something follows it", ErrAnswer)
	}
	return nil
}

// settle turns the numbers of metadata into what Go programs ask for.
func settle(metadata map[string]any) {
	for key, value := range metadata {
		if n, is := value.(json.Number); is {
			metadata[key] = number(n)
		}
	}
}

// number is an int64 where it is written as one that fits, else a float64.
func number(n json.Number) any {
	if i, err := strconv.ParseInt(n.String(), 10, 64); err == nil {
		return i
	}
	f, err := n.Float64()
	if err != nil {
		return math.Inf(1)
	}
	return f
}
