package s3

import (
	"encoding/json"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// policy is a document of docs/iam, as far as those use the grammar.
type policy struct {
	Version   string
	Statement []statement
}

type statement struct {
	Sid       string
	Effect    string
	Principal string `json:",omitempty"`
	Action    oneOrMore
	Resource  oneOrMore
	Condition map[string]map[string]string `json:",omitempty"`
}

// oneOrMore is written as a text where it is one.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(raw []byte) error {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		*o = oneOrMore{one}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(o))
}

// readPolicy gives a document of docs/iam for the bucket and the store of these tests.
func readPolicy(t *testing.T, name string) policy {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("..", "..", "docs", "iam", name))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer("BUCKET", bucket, "PREFIX", "shop/prod").Replace(string(raw))
	var p policy
	strict := json.NewDecoder(strings.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&p); err != nil {
		t.Fatalf("docs/iam/%s: %v", name, err)
	}
	return p
}

func (p policy) String() string {
	raw, err := json.Marshal(p)
	if err != nil {
		panic(err) // it holds texts alone
	}
	return string(raw)
}

// without leaves out the statements of those names.
func (p policy) without(sids ...string) policy {
	return policy{p.Version, slices.DeleteFunc(slices.Clone(p.Statement), func(s statement) bool { return slices.Contains(sids, s.Sid) })}
}

// call is a request as a policy sees it.
type call struct {
	action, resource string
	keys             map[string]string // what conditions ask about; a key that is not there is null
}

// denies tells whether a Deny of the policy fits the call, by AWS's rules for the operators that docs/iam uses.
func (p policy) denies(c call) bool {
	return slices.ContainsFunc(p.Statement, func(s statement) bool { return s.Effect == "Deny" && s.fits(c) })
}

func (s statement) fits(c call) bool {
	like := func(patterns []string, text string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			return regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, ".*") + "$").MatchString(text)
		})
	}
	if !like(s.Action, c.action) || !like(s.Resource, c.resource) {
		return false
	}
	for operator, wanted := range s.Condition {
		for key, want := range wanted {
			got, known := c.keys[key]
			if holds := map[string]bool{"Null": known == (want == "false"), "Bool": known && got == want}; !holds[operator] {
				return false
			}
		}
	}
	return true
}

// Whatever stands in docs/iam is of the grammar, and of the few words that it needs.
func TestPoliciesAreWellFormed(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "docs", "iam", "*.json"))
	if err != nil || len(files) != 3 {
		t.Fatalf("docs/iam holds %v (%v); want three documents", files, err)
	}
	for _, file := range files {
		name := path.Base(file)
		p := readPolicy(t, name)
		if p.Version != "2012-10-17" || len(p.Statement) == 0 {
			t.Errorf("%s: version %q, %d statements", name, p.Version, len(p.Statement))
		}
		sids := map[string]bool{}
		for _, s := range p.Statement {
			if !regexp.MustCompile(`^[A-Za-z0-9]+$`).MatchString(s.Sid) || sids[s.Sid] {
				t.Errorf("%s: %q is no name, or another statement's too", name, s.Sid)
			}
			sids[s.Sid] = true
			s.check(t, name)
		}
	}
}

// check wants a bucket's policy to forbid only, and a user's to allow only.
func (s statement) check(t *testing.T, file string) {
	t.Helper()
	if ofBucket := file == "bucket.json"; ofBucket != (s.Principal == "*") || ofBucket != (s.Effect == "Deny") {
		t.Errorf("%s, %s: effect %q, principal %q", file, s.Sid, s.Effect, s.Principal)
	}
	known := []string{"s3:GetObject", "s3:ListBucket", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion"}
	for _, action := range s.Action {
		if everything := action == "s3:*" && s.Effect == "Deny"; !everything && !slices.Contains(known, action) {
			t.Errorf("%s, %s: action %q", file, s.Sid, action)
		}
	}
	for _, resource := range s.Resource {
		whole := "arn:aws:s3:::" + bucket
		if resource != whole && !strings.HasPrefix(resource, whole+"/shop/prod/") && (resource != whole+"/*" || s.Effect != "Deny") {
			t.Errorf("%s, %s: resource %q", file, s.Sid, resource)
		}
		if list := slices.Contains(s.Action, "s3:ListBucket"); list && resource != whole {
			t.Errorf("%s, %s: a bucket is listed, not %s", file, s.Sid, resource)
		}
	}
	operators := map[string][]string{"Bool": {"aws:SecureTransport", "s3:ObjectCreationOperation"}, "Null": {"s3:if-none-match", "s3:if-match"}}
	for operator, keys := range s.Condition {
		for key, value := range keys {
			if !slices.Contains(operators[operator], key) || value != "true" && value != "false" {
				t.Errorf("%s, %s: condition %s %s = %q", file, s.Sid, operator, key, value)
			}
		}
	}
	if len(s.Action) == 0 || len(s.Resource) == 0 {
		t.Errorf("%s, %s: no action, or no resource", file, s.Sid)
	}
}
