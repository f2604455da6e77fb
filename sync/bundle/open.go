package bundle

// Policy is what a manifest must satisfy.
type Policy struct {
	Trust       Trust
	Environment string // "" takes any: for tools that only look
}

// Head is a manifest that a Policy accepted. Only Policy.Open and Policy.OpenPrevious make one.
type Head struct {
	manifest Manifest
	raw      []byte
	payload  Digest
	signers  []string
	chained  bool
	signed   bool
}

// Open verifies the bytes of a manifest.json. Nothing of the payload is read before its signatures are good. The error is a
// *Refusal. Open keeps raw; the caller must not change it.
func (p Policy) Open(raw []byte) (Head, error) {
	payload, signatures, err := openEnvelope(raw)
	if err != nil {
		return Head{}, err
	}
	signers, err := p.Trust.verify(preAuthEncoding(PayloadType, payload), signatures)
	if err != nil {
		return Head{}, err
	}
	m, err := decodeManifest(payload)
	if err != nil {
		return Head{}, err
	}
	if p.Environment != "" && m.Environment != p.Environment {
		return Head{}, Refuse(ReasonEnvironment, "manifest is for environment %.200q; this is %q", m.Environment, p.Environment)
	}
	return Head{m, raw, Sum(payload), signers, false, len(signatures) > 0}, nil
}

// Manifest is the payload. What it points to is shared and must not be changed.
func (h Head) Manifest() Manifest { return h.manifest }

// Raw is the envelope as it was read.
func (h Head) Raw() []byte { return h.raw }

// Payload is the digest of the payload's bytes, which the next revision names as its previous.
func (h Head) Payload() Digest { return h.payload }

// Signers are the ids of the trusted keys that signed; none where signatures are not looked at. A head that the chain vouches for may
// have fewer than the policy asks for.
func (h Head) Signers() []string { return h.signers }

// Signed tells whether the head carries signatures, be they looked at or not.
func (h Head) Signed() bool { return h.signed }

// Chained tells how the head was verified: by the chain from a later one, or else by signatures.
func (h Head) Chained() bool { return h.chained }

// Verified is a head with the document that it vouches for. Only Head.Open makes one.
type Verified struct {
	head             Head
	stored, document []byte
}

// Open verifies the stored bytes of the head's bundle and unpacks them. The error is a *Refusal. Open keeps stored.
func (h Head) Open(stored []byte) (Verified, error) {
	ref := h.manifest.Bundle
	if int64(len(stored)) != ref.Size {
		return Verified{}, Refuse(ReasonDigest, "bundle has %d bytes; the manifest says %d", len(stored), ref.Size)
	}
	if got := Sum(stored); got != ref.Digest {
		return Verified{}, Refuse(ReasonDigest, "bundle has digest %s; the manifest says %s", got, ref.Digest)
	}
	document, err := decompress(stored, MaxDocument)
	if err != nil {
		return Verified{}, err
	}
	if got := Sum(document); got != ref.ContentDigest {
		return Verified{}, Refuse(ReasonDigest, "document has digest %s; the manifest says %s", got, ref.ContentDigest)
	}
	if ref.Shrinks() && !ref.AllowShrink {
		return Verified{}, Refuse(ReasonShrink, "bundle has %d flags after %d, and is not marked allowShrink", ref.Flags, ref.PreviousFlags)
	}
	return Verified{h, stored, document}, nil
}

// Head is the manifest.
func (v Verified) Head() Head { return v.head }

// Stored is the bundle as the store holds it.
func (v Verified) Stored() []byte { return v.stored }

// Document is the flag document; nil once it was packed.
func (v Verified) Document() []byte { return v.document }

// Packed is the same without the unpacked document, for whoever keeps it: documents are large.
func (v Verified) Packed() Verified {
	v.document = nil
	return v
}
