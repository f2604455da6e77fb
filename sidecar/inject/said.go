package inject

import "strings"

// maxMessage is what Kubernetes takes of a policy's message, in bytes.
const maxMessage = 5 << 10

// opening is how every refusal begins.
const opening = "burgee: "

// sayable is the text, or the plain one without anything of the pod's in it, where Kubernetes would not take the text from a policy: a name or
// an annotation in it has several lines, or up to 256 KiB. The plain ones stand in the chart's policy too, as message.
func sayable(text, plain string) string {
	if strings.Contains(text, "\n") || len(opening+text) > maxMessage {
		return plain
	}
	return text
}
