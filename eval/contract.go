package eval

import (
	"slices"
	"time"
)

// Contract is what a flag's metadata says about its owner, kind, end and failure
// mode. Entries that are absent are empty; numbers and booleans are their tokens.
type Contract struct {
	Owner           string
	Kind            string
	Description     string
	Expires         string
	LifetimeReason  string
	EmergencyAction string
	SafeVariant     string
	FailMode        string
	MaxStaleness    string
	Subject         string
}

// contractKeys are the metadata entries that make the contract.
var contractKeys = []string{
	"owner", "kind", "description", "expires", "lifetimeReason",
	"emergencyAction", "safeVariant", "failMode", "maxStaleness", "subject",
}

func isContractKey(name string) bool { return slices.Contains(contractKeys, name) }

// Contract gives the flag's contract; all is empty where there is no such flag.
func (d *Document) Contract(key string) Contract {
	def := d.find(key)
	if def == nil {
		return Contract{}
	}
	return contractIn(def.raw)
}

// contractIn reads the contract that stands in a flag's definition.
func contractIn(raw []byte) Contract {
	var t trees
	p := readParts(raw, &t)
	return p.contract()
}

func (p *parts) contract() Contract {
	var entries [10]string
	for _, entry := range p.metadata {
		if i := slices.Index(contractKeys, entry.name); i >= 0 {
			entries[i] = entry.plain()
		}
	}
	return Contract{
		Owner: entries[0], Kind: entries[1], Description: entries[2], Expires: entries[3], LifetimeReason: entries[4],
		EmergencyAction: entries[5], SafeVariant: entries[6], FailMode: entries[7], MaxStaleness: entries[8], Subject: entries[9],
	}
}

// End is the moment from which the flag is past its expires date, which is good
// to the end of that day UTC. A date that cannot be read gives no end.
func (c Contract) End() (end time.Time, ok bool) {
	day, err := time.Parse(time.DateOnly, c.Expires)
	return day.AddDate(0, 0, 1), err == nil
}

// ExpiredAt tells whether the flag is past its end.
func (c Contract) ExpiredAt(now time.Time) bool {
	end, ok := c.End()
	return ok && !now.Before(end)
}
