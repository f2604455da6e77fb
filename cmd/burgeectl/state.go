package main

import (
	"time"

	"github.com/burgeehq/burgee/sync/bundle"
)

// state is what this command reads of a sidecar's /status. What it does not know, it leaves alone; a time that never was is null there,
// and zero here.
type state struct {
	Environment string    `json:"environment"`
	Instance    string    `json:"instance"`
	Version     string    `json:"version"`
	Mode        string    `json:"mode"`
	Signatures  string    `json:"signatures"`
	Freshness   string    `json:"freshness"`
	Since       time.Time `json:"since"`
	Validity    string    `json:"validity"`
	Behind      bool      `json:"behind"`
	Degraded    []string  `json:"degraded"`

	Active    active `json:"active"`
	Persisted struct {
		Revision int64 `json:"revision"`
	} `json:"persisted"`
	Overrides []forced `json:"overrides"`
	Sync      struct {
		Store        string    `json:"store"`
		HeadRevision int64     `json:"headRevision"`
		ConfirmedAt  time.Time `json:"confirmedAt"`
		Failures     int       `json:"failures"`
		LastError    *failure  `json:"lastError"`
	} `json:"sync"`
	Rejected *rejected  `json:"rejected"`
	NotTaken []notTaken `json:"notTaken"`

	Pending       []pending       `json:"pending"`
	FailingClosed []failingClosed `json:"failingClosed"`
	NextClosing   *nextClosing    `json:"nextClosing"`
	Broken        []broken        `json:"broken"`
	Expired       []string        `json:"expired"`
}

// active is what the sidecar serves; its revision is 0 while that is nothing.
type active struct {
	Revision    int64     `json:"revision"`
	PublishedAt time.Time `json:"publishedAt"`
	Author      string    `json:"author"`
	Message     string    `json:"message"`
	From        string    `json:"from"`
	Flags       int       `json:"flags"`
}

type forced struct {
	bundle.Override
	InForce bool   `json:"inForce"`
	Problem string `json:"problem"`
}

type failure struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

type rejected struct {
	Revision int64  `json:"revision"` // 0 where the head could not be verified
	Reason   string `json:"reason"`
	Message  string `json:"message"`
}

// notTaken is what a sidecar found at its start and left alone.
type notTaken struct {
	From    string `json:"from"`
	File    string `json:"file"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// pending is a revision that waits for its moment.
type pending struct {
	Revision   int64     `json:"revision"`
	ActivateAt time.Time `json:"activateAt"`
}

type failingClosed struct {
	Flag  string    `json:"flag"`
	Why   string    `json:"why"`
	Since time.Time `json:"since"`
}

type nextClosing struct {
	At    time.Time `json:"at"`
	Flags []string  `json:"flags"`
}

type broken struct {
	Flag    string `json:"flag"`
	Problem string `json:"problem"`
}
