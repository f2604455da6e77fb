package client

import (
	"context"
	"strings"
)

// Carrier is whatever travels with a message: a [Map], an [net/http.Header], a TextMapCarrier of OpenTelemetry.
type Carrier interface {
	Get(key string) string
	Set(key, value string)
}

// Map is a carrier for messages whose headers are strings.
type Map map[string]string

// Get finds a key however it is capitalised: brokers and libraries differ.
func (m Map) Get(key string) string {
	if value, found := m[key]; found {
		return value
	}
	for k, value := range m {
		if strings.EqualFold(k, key) {
			return value
		}
	}
	return ""
}

// Set sets a key.
func (m Map) Set(key, value string) { m[key] = value }

// Inject writes the context's snapshot, if it has one, into what is about to be sent.
func Inject(ctx context.Context, c Carrier) {
	if s, found := From(ctx); found {
		c.Set(Key, s.String())
	}
}

// Extract gives a context with the snapshot that came along, if one did. Call it for what one's own services sent, and [Client.Enter]
// behind it. A message that has waited for longer than a sidecar keeps to pins is answered from the current flags, and marked.
func Extract(ctx context.Context, c Carrier) context.Context {
	if s := Parse(c.Get(Key)); !s.IsZero() {
		return With(ctx, s)
	}
	return ctx
}
