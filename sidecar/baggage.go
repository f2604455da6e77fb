package sidecar

import "bytes"

// baggageMember gives the value of a member of a W3C baggage header, without its properties; nothing where there is none. Its lines are one
// list. Of equal names the first that says something counts. A value that was escaped is decoded into buffer.
func baggageMember(lines [][]byte, name string, buffer *[]byte) []byte {
	for _, line := range lines {
		for member := range bytes.SplitSeq(line, []byte(",")) {
			key, value, _ := bytes.Cut(member, []byte("="))
			if string(bytes.TrimSpace(key)) != name {
				continue
			}
			value, _, _ = bytes.Cut(value, []byte(";"))
			if value = bytes.TrimSpace(value); len(value) == 0 {
				continue
			}
			if bytes.IndexByte(value, '%') < 0 {
				return value
			}
			*buffer = unescape((*buffer)[:0], value)
			return *buffer
		}
	}
	return nil
}
