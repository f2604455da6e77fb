package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

const snapshotPath = "/v1/snapshot"

// Open gives the snapshot for what is about to begin: the one that the context carries, completed by this environment's token where that
// is not in it. Which token is this environment's only its sidecar knows: it answers with the token of the state that it answered from. If
// that is in the list, the list is whole. If it is not, the list has none of this environment and gets it, unless the answer says that it
// has one that cannot be had: then a second one would contradict it. A list that already has four tokens stays as it is.
func (c *Client) Open(ctx context.Context) (Snapshot, error) {
	carried, _ := From(ctx)
	if last := c.last.Load(); last != nil && carried.has(*last) {
		return carried, nil // the sidecar's own token is in it, so there is nothing to ask
	}
	answer, err := c.snapshot(ctx, question{Flags: []string{}})
	if err == nil && answer.Token == "" {
		err = ErrNoToken
	}
	if err != nil {
		return Snapshot{}, fmt.Errorf("open a snapshot: %w", err)
	}
	return answer.join(carried), nil
}

// Enter begins something with the snapshot that Open gives: a request, a message, a job. Where the sidecar is away it goes on with what it
// carries, which is told to the logger and the hook of [Config]; callers need no way for that case.
func (c *Client) Enter(ctx context.Context) context.Context {
	s, err := c.Open(ctx)
	if err == nil {
		return With(ctx, s)
	}
	if ctx.Err() == nil {
		c.reporter.report(ctx, err)
	}
	return ctx
}

// answer is what /v1/snapshot says.
type answer struct {
	Revision int64          `json:"revision"`
	Token    string         `json:"token"`
	CacheKey string         `json:"cacheKey"`
	Pin      string         `json:"pin"`
	Flags    []Flag         `json:"flags"`
	Metadata map[string]any `json:"metadata"`

	ErrorCode    string `json:"errorCode"`
	ErrorDetails string `json:"errorDetails"`
}

func (a answer) missed() bool { return a.Pin == "missed" }

// join completes what the request brought along.
func (a answer) join(carried Snapshot) Snapshot {
	if a.missed() || a.Token == "" {
		return carried
	}
	return carried.with(a.Token)
}

func (c *Client) snapshot(ctx context.Context, q question) (answer, error) {
	body, err := write(q)
	if err != nil {
		return answer{}, err
	}
	reply, err := c.line.ask(ctx, &url.URL{Path: snapshotPath}, body, maxValues)
	if err != nil {
		return answer{}, err
	}
	var a answer
	err = decode(reply.body, &a)
	switch {
	case reply.status != http.StatusOK && err == nil && a.ErrorCode != "":
		return answer{}, errors.New("the sidecar answers " + http.StatusText(reply.status) + ": " + a.ErrorCode + ": " + a.ErrorDetails)
	case err != nil:
		return answer{}, fmt.Errorf("%w; its status is %d", err, reply.status)
	case reply.status != http.StatusOK:
		return answer{}, fmt.Errorf("%w: status %d without an errorCode", ErrAnswer, reply.status)
	case a.Token != "" && !isToken(a.Token):
		return answer{}, fmt.Errorf("%w: its token is %.200q", ErrAnswer, a.Token)
	}
	c.remember(a.Token)
	return a, nil
}
