//go:build linux

package main

import (
	"fmt"
	"strings"
)

const (
	manyFlags = 1000
	bulkFlags = 500
	contexts  = 16 // different ones in turn
)

// sampleAnswer is what the floor says: an answer of usual size.
const sampleAnswer = `{"key":"static-0000","value":true,"reason":"STATIC","variant":"on","metadata":{}}`

// kind is one of the three shapes that flags have in turn.
type kind struct{ name, definition string }

var kinds = []kind{
	{"static", `"variants":{"on":true,"off":false},"defaultVariant":"on"`},
	{"six-conditions", `"variants":{"on":true,"off":false},"defaultVariant":"off","targeting":{"if":[{"and":[
		{"==":[{"var":"plan"},"enterprise"]},{"in":[{"var":"country"},["DE","AT","CH","LI","LU"]]},{">=":[{"var":"age"},18]},
		{"ends_with":[{"var":"email"},"@example.com"]},{"sem_ver":[{"var":"appVersion"},">=","2.0.0"]},{"==":[{"var":"beta"},true]}]},"on","off"]}`},
	{"rollout", `"variants":{"blue":"#0000ff","green":"#00ff00","red":"#ff0000"},"defaultVariant":"red","targeting":{"if":[
		{"==":[{"var":"plan"},"enterprise"]},{"fractional":[["blue",50],["green",30],["red",20]]}]}`},
}

// document is a flag document of n flags, the kinds in turn.
func document(n int) string { return changed(n, 0) }

// changed is the document with something new about one flag in a hundred.
func changed(n int, news int64) string {
	var b strings.Builder
	b.WriteString(`{"flags":{`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		k := kinds[i%len(kinds)]
		if i%100 == 0 && news != 0 {
			fmt.Fprintf(&b, `%q:{"state":"ENABLED","metadata":{"news":%d},%s}`, flagKey(i), news, k.definition)
			continue
		}
		fmt.Fprintf(&b, `%q:{"state":"ENABLED",%s}`, flagKey(i), k.definition)
	}
	b.WriteString(`}}`)
	return b.String()
}

func flagKey(i int) string { return fmt.Sprintf("%s-%04d", kinds[i%len(kinds)].name, i) }

func evaluationContext(k int) string {
	plan := "enterprise"
	if k%8 == 7 {
		plan = "free"
	}
	return fmt.Sprintf(`{"context":{"targetingKey":"user-%06d","email":"jane.doe%d@example.com","country":%q,"plan":%q,"appVersion":"2.%d.3","age":%d,"beta":true}}`,
		k*7919, k, []string{"DE", "AT", "CH", "US"}[k%4], plan, k%20, 20+k%60)
}

// singleCase asks flags of one kind.
type singleCase struct {
	name string
	kind int
}

var singleCases = []singleCase{{"static", 0}, {"six-conditions", 1}, {"rollout", 2}}

func (c singleCase) requests() [][]byte {
	all := make([][]byte, contexts)
	for k := range all {
		key := flagKey((k*13)%(manyFlags/len(kinds)-1)*len(kinds) + c.kind)
		all[k] = request("/ofrep/v1/evaluate/flags/"+key, evaluationContext(k))
	}
	return all
}

func bulkRequests() [][]byte {
	all := make([][]byte, contexts)
	for k := range all {
		all[k] = request("/ofrep/v1/evaluate/flags", evaluationContext(k))
	}
	return all
}

func request(path, body string) []byte {
	return fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: socketbench\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, len(body), body)
}
