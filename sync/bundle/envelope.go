package bundle

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"

	"github.com/go-json-experiment/json"
)

// PayloadType is bound into every signature, so that nothing else a key has signed can be passed off as a manifest.
const PayloadType = "application/vnd.burgee.manifest.v1+json"

// envelope is DSSE's JSON form (secure-systems-lab/dsse, envelope.md).
type envelope struct {
	PayloadType string      `json:"payloadType"`
	Payload     string      `json:"payload"`
	Signatures  []signature `json:"signatures"`
}

type signature struct {
	KeyID string `json:"keyid"`
	Sig   string `json:"sig"`
}

// openEnvelope gives the payload's bytes and the signatures. Nothing is verified yet.
func openEnvelope(raw []byte) (payload []byte, signatures [][]byte, err error) {
	if len(raw) > MaxManifest {
		return nil, nil, Refuse(ReasonOversized, "manifest is larger than %d bytes", MaxManifest)
	}
	var e envelope
	if err := json.Unmarshal(raw, &e, json.RejectUnknownMembers(true)); err != nil {
		return nil, nil, Refuse(ReasonEnvelope, "read envelope: %w", err)
	}
	if e.PayloadType != PayloadType {
		return nil, nil, Refuse(ReasonEnvelope, "envelope holds %.80q; want %q", e.PayloadType, PayloadType)
	}
	if len(e.Signatures) > MaxSignatures {
		return nil, nil, Refuse(ReasonEnvelope, "envelope carries %d signatures; at most %d are read", len(e.Signatures), MaxSignatures)
	}
	if payload, err = decodeBase64(e.Payload); err != nil {
		return nil, nil, Refuse(ReasonEnvelope, "read envelope: payload: %w", err)
	}
	for i, s := range e.Signatures {
		decoded, err := decodeBase64(s.Sig)
		if err != nil {
			return nil, nil, Refuse(ReasonEnvelope, "read envelope: signatures[%d].sig: %w", i, err)
		}
		signatures = append(signatures, decoded)
	}
	return payload, signatures, nil
}

func sealEnvelope(payload []byte, keys []PrivateKey) ([]byte, error) {
	e := envelope{PayloadType, base64.StdEncoding.EncodeToString(payload), []signature{}}
	for _, key := range keys {
		public, err := key.Public()
		if err != nil {
			return nil, fmt.Errorf("sign manifest: %w", err)
		}
		sig, err := key.sign(PayloadType, payload)
		if err != nil {
			return nil, fmt.Errorf("sign manifest: %w", err)
		}
		e.Signatures = append(e.Signatures, signature{public.ID, base64.StdEncoding.EncodeToString(sig)})
	}
	raw, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	return raw, nil
}

// preAuthEncoding is DSSE's PAE: what is signed, so that type and body cannot trade bytes.
func preAuthEncoding(payloadType string, body []byte) []byte {
	out := make([]byte, 0, len(body)+len(payloadType)+32)
	out = append(out, "DSSEv1 "...)
	out = strconv.AppendInt(out, int64(len(payloadType)), 10)
	out = append(append(append(out, ' '), payloadType...), ' ')
	out = strconv.AppendInt(out, int64(len(body)), 10)
	return append(append(out, ' '), body...)
}

// decodeBase64 takes one spelling only: the decoder by itself skips line breaks, which would let one signature have many forms.
func decodeBase64(text string) ([]byte, error) {
	decoded, err := base64.StdEncoding.Strict().DecodeString(text)
	if err == nil && base64.StdEncoding.EncodedLen(len(decoded)) != len(text) {
		err = errors.New("line breaks inside base64")
	}
	return decoded, err
}
