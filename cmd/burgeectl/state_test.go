package main

import (
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/burgeehq/burgee/sidecar"
)

// TestStateIsWhatSidecarsSay finds what is read here and written by no sidecar: its two sides are compiled apart.
func TestStateIsWhatSidecarsSay(t *testing.T) {
	s := state{
		Degraded: []string{"x"}, Overrides: []forced{{Problem: "x"}}, Rejected: &rejected{}, NotTaken: []notTaken{{}}, Pending: []pending{{}}, FailingClosed: []failingClosed{{Flag: "x"}}, NextClosing: &nextClosing{},
		Broken: []broken{{}}, Expired: []string{"x"},
	}
	s.Sync.LastError = &failure{}
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var said sidecar.Status
	if err := json.Unmarshal(raw, &said, json.RejectUnknownMembers(true)); err != nil {
		t.Error(err)
	}
}
