package bundle

// OpenPrevious verifies the bytes of the head before a verified one by the chain: they must be those that later names, whatever keys
// signed them, for these may be out of use by now. Nothing of the payload is read before its digest is the one named. The error is a
// *Refusal. OpenPrevious keeps raw; the caller must not change it.
func (p Policy) OpenPrevious(later Head, raw []byte) (Head, error) {
	after := later.manifest
	if after.Previous == "" {
		return Head{}, Refuse(ReasonDigest, "revision %d is the first: it names none before it", after.Revision)
	}
	payload, signatures, err := openEnvelope(raw)
	if err != nil {
		return Head{}, err
	}
	if got := Sum(payload); got != after.Previous {
		return Head{}, Refuse(ReasonDigest, "payload has digest %s; revision %d names %s", got, after.Revision, after.Previous)
	}
	if got := Sum(raw); after.PreviousHead != "" && got != after.PreviousHead {
		return Head{}, Refuse(ReasonDigest, "signatures were changed: the bytes have digest %s; revision %d names %s", got, after.Revision, after.PreviousHead)
	}
	m, err := decodeManifest(payload)
	if err != nil {
		return Head{}, err
	}
	if err := after.follows(m); err != nil {
		return Head{}, err
	}
	signers := p.Trust.signers(preAuthEncoding(PayloadType, payload), signatures)
	return Head{m, raw, after.Previous, signers, true, len(signatures) > 0}, nil
}

// follows refuses what no publisher of ours puts before m: whoever held a key then could have chained what belongs elsewhere.
func (m *Manifest) follows(before Manifest) error {
	switch {
	case before.Environment != m.Environment:
		return Refuse(ReasonEnvironment, "manifest is for environment %.200q; revision %d, which follows it, is for %q", before.Environment, m.Revision, m.Environment)
	case before.Revision != m.Before(): // which is less than its own
		return Refuse(ReasonPayload, "manifest has revision %d; revision %d, which follows it, names %d", before.Revision, m.Revision, m.Before())
	}
	return nil
}

// Before is the number of the revision before this one; 0 where there is none. A manifest that does not say it follows the one below.
func (m *Manifest) Before() int64 {
	switch {
	case m.Previous == "":
		return 0
	case m.PreviousRevision > 0:
		return m.PreviousRevision
	}
	return m.Revision - 1
}
