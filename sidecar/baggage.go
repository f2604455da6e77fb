package sidecar

import "bytes"

// baggageMember gives the value of a member of a W3C baggage header, without its properties; nothing where there is none. Of equal names the
// first counts. A value that was escaped is decoded into buffer.
func baggageMember(header []byte, name string, buffer *[]byte) []byte {
	for len(header) > 0 {
		var member []byte
		member, header, _ = bytes.Cut(header, []byte(","))
		key, value, found := bytes.Cut(member, []byte("="))
		if !found || string(bytes.TrimSpace(key)) != name {
			continue
		}
		value, _, _ = bytes.Cut(value, []byte(";"))
		value = bytes.TrimSpace(value)
		if bytes.IndexByte(value, '%') < 0 {
			return value
		}
		*buffer = unescape((*buffer)[:0], value)
		return *buffer
	}
	return nil
}
