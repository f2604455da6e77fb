package client

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
)

const flagsPath = "/ofrep/v1/evaluate/flags/"

// Evaluate asks for one flag, in the state that the context's snapshot names. Applications mostly do it through OpenFeature, with package
// provider. An error says that there was no answer; an answer may have an error of its own, [Flag.Err].
func (c *Client) Evaluate(ctx context.Context, key string, attributes map[string]any) (Flag, error) {
	if key == "" { // its path would be that of all flags
		return Flag{Reason: "ERROR", ErrorCode: "FLAG_NOT_FOUND", ErrorDetails: "a flag's key is not empty"}, nil
	}
	body, err := write(question{Context: attributes})
	if err != nil {
		return Flag{}, err
	}
	reply, err := c.line.ask(ctx, &url.URL{Path: flagsPath + key}, body, maxFlag)
	if err != nil {
		return Flag{}, err
	}
	c.remember(reply.header.Get(Header))
	var flag Flag
	if err := decode(reply.body, &flag); err != nil {
		return Flag{}, fmt.Errorf("%w; its status is %d", err, reply.status)
	}
	switch {
	case reply.status == http.StatusOK && flag.ErrorCode == "" && flag.Key != key:
		return Flag{}, fmt.Errorf("%w: it is about %q; asked was %q", ErrAnswer, flag.Key, key)
	case reply.status != http.StatusOK && flag.ErrorCode == "":
		return Flag{}, fmt.Errorf("%w: status %d without an errorCode", ErrAnswer, reply.status)
	}
	flag.Key = key
	settle(flag.Metadata)
	return flag, nil
}

// question is what the sidecar is sent.
type question struct {
	Context map[string]any `json:"context,omitempty"`
	Flags   []string       `json:"flags,omitzero"` // nil: all; empty: none
}

func write(q question) ([]byte, error) {
	body, err := json.Marshal(q)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrContext, err)
	}
	return body, nil
}
