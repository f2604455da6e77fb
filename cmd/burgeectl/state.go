package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// state is what this command reads of a sidecar's /status. What it does not know, it leaves alone.
type state struct {
	Environment string    `json:"environment"`
	Instance    string    `json:"instance"`
	Version     string    `json:"version"`
	Mode        string    `json:"mode"`
	Freshness   string    `json:"freshness"`
	Since       time.Time `json:"since"`
	Validity    string    `json:"validity"`
	Behind      bool      `json:"behind"`

	Degraded  []jsontext.Value `json:"degraded"`
	Active    *active          `json:"active"`
	Overrides []struct {
		Flag    string    `json:"flag"`
		Variant string    `json:"variant"`
		Author  string    `json:"author"`
		At      time.Time `json:"at"`
	} `json:"overrides"`
	Sync struct {
		Store       string         `json:"store"`
		ConfirmedAt time.Time      `json:"confirmedAt"`
		Failures    int            `json:"failures"`
		LastError   jsontext.Value `json:"lastError"`
	} `json:"sync"`
	Rejected      jsontext.Value   `json:"rejected"`
	FailingClosed []jsontext.Value `json:"failingClosed"`
	Broken        []jsontext.Value `json:"broken"`
	Expired       []jsontext.Value `json:"expired"`
}

type active struct {
	Revision    int64     `json:"revision"`
	PublishedAt time.Time `json:"publishedAt"`
	Author      string    `json:"author"`
	Message     string    `json:"message"`
	From        string    `json:"from"`
	Flags       int       `json:"flags"`
}

// table names what is wrong only where something is.
func (s *state) table() table {
	rows := table{
		{"environment", s.Environment},
		{"instance", strings.TrimSpace(s.Instance + " " + s.Version)},
		{"mode", s.Mode},
		{"freshness", since(s.Freshness, s.Since)},
		{"validity", s.Validity},
		{"behind", onlyIf(s.Behind, "yes: the store holds a newer revision that this sidecar cannot serve")},
		{"revision", s.Active.text()},
		{"store", s.Sync.Store},
		{"confirmed", moment(s.Sync.ConfirmedAt)},
		{"failures", onlyIf(s.Sync.Failures > 0, fmt.Sprint(s.Sync.Failures))},
		{"last error", plain(s.Sync.LastError)},
		{"rejected", plain(s.Rejected)},
		{"degraded", list(s.Degraded)},
		{"failing closed", list(s.FailingClosed)},
		{"broken", list(s.Broken)},
		{"expired", list(s.Expired)},
	}
	for _, o := range s.Overrides {
		rows = append(rows, [2]string{"override", fmt.Sprintf("%s = %s, by %s at %s", o.Flag, o.Variant, o.Author, moment(o.At))})
	}
	return rows
}

func (a *active) text() string {
	if a == nil {
		return "none yet"
	}
	text := fmt.Sprintf("%d, %s, from %s", a.Revision, plural(a.Flags, "flag"), a.From)
	if a.Author != "" {
		text += fmt.Sprintf(", published %s by %s: %q", moment(a.PublishedAt), a.Author, a.Message)
	}
	return text
}

func since(what string, t time.Time) string {
	if t.IsZero() {
		return what
	}
	return what + " since " + moment(t)
}

func onlyIf(condition bool, text string) string {
	if condition {
		return text
	}
	return ""
}

// plain is a string without its quotes, nothing for null, and any other value as it is written.
func plain(value jsontext.Value) string {
	if kind := value.Kind(); kind == jsontext.KindNull || kind == jsontext.KindInvalid {
		return ""
	}
	if text, err := jsontext.AppendUnquote(nil, value); err == nil {
		return string(text)
	}
	return string(value)
}

func list(values []jsontext.Value) string {
	var all []string
	for _, value := range values {
		all = append(all, plain(value))
	}
	return strings.Join(all, ", ")
}
