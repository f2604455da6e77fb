package chain

import "encoding/json"

// Hop is what one service got for one flag.
type Hop struct {
	Service  int             `json:"service"`
	Flag     string          `json:"key"`
	Value    json.RawMessage `json:"value"`
	Revision int64           `json:"revision"` // that it was answered from
	Snapshot string          `json:"snapshot"` // likewise, as the answer offers it
	Marks    Marks           `json:"metadata"`
}

// Marks are what an answer's metadata says is not as usual.
type Marks struct {
	Pin        string `json:"burgee.pin,omitempty"`        // "missed": the snapshot could not be had
	FailClosed string `json:"burgee.failClosed,omitempty"` // why the flag answers its safe variant
	StaleSince string `json:"burgee.staleSince,omitempty"` // the store confirms nothing any more
	Override   bool   `json:"burgee.override,omitempty"`   // somebody forced it
}

// Told tells whether the answer says itself that it is not the snapshot's.
func (m Marks) Told() bool { return m.Pin != "" || m.FailClosed != "" || m.Override }

// Hops are what all services got for one request.
type Hops []Hop

// Snapshot is what the first answer offers, which a client may keep for its next request.
func (h Hops) Snapshot() string { return h[0].Snapshot }

// Mixed tells whether two services got different values of one flag, though neither answer says why it might.
func (h Hops) Mixed() bool {
	seen := map[string]string{}
	for _, hop := range h {
		if hop.Marks.Told() {
			continue
		}
		if value, found := seen[hop.Flag]; found && value != string(hop.Value) {
			return true
		}
		seen[hop.Flag] = string(hop.Value)
	}
	return false
}

// Missed counts the answers that could not be the snapshot's.
func (h Hops) Missed() (n int) {
	for _, hop := range h {
		if hop.Marks.Pin != "" {
			n++
		}
	}
	return n
}
