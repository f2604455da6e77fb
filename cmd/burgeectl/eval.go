package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/cmd/internal/file"
	"github.com/burgeehq/burgee/eval"
)

// maxContext bounds a file that holds a context, in bytes: far beyond what a sidecar takes in a request.
const maxContext = 1 << 20

// evaluation is the verb eval.
type evaluation struct {
	remote
	Flag    string `arg:"" help:"Key of the flag." placeholder:"FLAG"`
	Context string `help:"Evaluation context: a JSON object, or @FILE that holds one." default:"{}" placeholder:"JSON|@FILE"`
	Flags   string `help:"Evaluate from this file, or the files of this folder, rather than from the store's newest revision." placeholder:"FILE"`
}

// Run answers as a sidecar with the same flags would, overrides included.
func (e *evaluation) Run(ctx context.Context, w *world, form output) error {
	rules, err := e.rules(ctx, w)
	if err != nil {
		return err
	}
	subject, err := e.subject()
	if err != nil {
		return err
	}
	flag := rules.Lookup([]byte(e.Flag))
	if flag == nil {
		return noFlag(e.Flag, rules)
	}
	raw := flag.Evaluate(subject, w.now().Unix()).JSON
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	if form == inJSON {
		_, err := fmt.Fprintf(w.stdout, "%s\n", raw)
		return errors.Join(err, a.failure())
	}
	if err := a.failure(); err != nil {
		return err
	}
	return a.table().print(w.stdout)
}

// rules come from a file or from the store. A flag that is broken keeps no other from its answer, as in a sidecar.
func (e *evaluation) rules(ctx context.Context, w *world) (*eval.Ruleset, error) {
	if e.Flags != "" {
		given, err := readFlags(e.Flags, eval.LoadLimits())
		if err != nil {
			return nil, err
		}
		return eval.Compile(given.parsed, eval.Options{}), nil
	}
	if e.Store == "" {
		return nil, wrongly("give --flags FILE, or --store URL for what is published", "nothing to evaluate from")
	}
	r, err := e.reader(ctx, w)
	if err != nil {
		return nil, err
	}
	head, err := r.head(ctx, 0)
	if err != nil {
		return nil, err
	}
	verified, err := r.bundle(ctx, head)
	if err != nil {
		return nil, err
	}
	doc, err := eval.Parse(verified.Document(), eval.LoadLimits())
	if err != nil {
		return nil, fmt.Errorf("revision %d: %w", head.Manifest().Revision, err)
	}
	rules, _ := eval.Compile(doc, eval.Options{}).Under(forEval(head.Manifest().Overrides), nil)
	return rules, nil
}

func (e *evaluation) subject() (*eval.Context, error) {
	object := []byte(e.Context)
	if name, ok := strings.CutPrefix(e.Context, "@"); ok {
		var err error
		if object, err = file.Read(name, maxContext); err != nil {
			return nil, fmt.Errorf("context: %w", err)
		}
	}
	var subject eval.Context
	if err := subject.Parse(object); err != nil {
		return nil, wrongly(`give an object such as --context '{"targetingKey": "user-1"}'`, "context: %w", err)
	}
	return &subject, nil
}

func noFlag(key string, rules *eval.Ruleset) error {
	var keys []string
	for _, f := range rules.Flags() {
		keys = append(keys, f.Key())
	}
	hint := fmt.Sprintf("there are %s; burgeectl show --flags lists what is published", plural(len(keys), "flag"))
	if alike := near(key, keys); len(alike) > 0 {
		hint = "did you mean " + strings.Join(alike, " or ") + "?"
	}
	return advised{fmt.Errorf("no flag %q", key), exitFailed, hint}
}

// answer is an OFREP answer.
type answer struct {
	Value    jsontext.Value `json:"value"`
	Variant  string         `json:"variant"`
	Reason   string         `json:"reason"`
	Code     string         `json:"errorCode"`
	Details  string         `json:"errorDetails"`
	Metadata jsontext.Value `json:"metadata"`
}

func (a *answer) failure() error {
	if a.Code == "" {
		return nil
	}
	return fmt.Errorf("%s: %s", a.Code, a.Details)
}

func (a *answer) table() table {
	value, metadata := string(a.Value), string(a.Metadata)
	if value == "" {
		value = "(none: the code's default)"
	}
	if metadata == "{}" {
		metadata = ""
	}
	return table{{"value", value}, {"variant", a.Variant}, {"reason", a.Reason}, {"metadata", metadata}}
}

func (*evaluation) examples() []string {
	return []string{
		`burgeectl eval new_checkout --context '{"targetingKey": "user-1", "country": "DE"}'`,
		`burgeectl eval new_checkout --flags flags.json --context @user.json`,
	}
}
