// Package hostile makes flag documents that try to hurt whoever loads them: the largest legal ones, each for something else that takes
// memory or time, and a corpus of those that must be refused. Every document is a function of a number, so that two in a row have
// nothing in common that a loader could share. It is for tests only.
package hostile

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/burgeehq/burgee/eval"
)

// Large is a family of legal documents that grow in one direction.
type Large struct {
	Name  string
	Of    func(salt, n int) string // a document of n parts, whatever they are
	Parts int                      // of the largest; found by -hostile.find
}

// Largest is the largest document of the family that a sidecar takes, or nearly. Share gives one of so many hundredths of the parts.
func (l Large) Largest(salt int) string { return l.Share(salt, 100) }

// Share is Largest with so many hundredths of the parts.
func (l Large) Share(salt, percent int) string { return l.Of(salt, max(1, l.Parts*percent/100)) }

// Flags counts those of a legal document.
func Flags(document string) int {
	parsed, err := eval.Parse([]byte(document), eval.LoadLimits())
	if err != nil {
		panic("hostile: " + err.Error())
	}
	return parsed.Flags()
}

// Legals are the families.
func Legals() []Large {
	return []Large{
		{"realistic", realistic, 10000},
		{"rules", distinctRules, 7948},
		{"empty flags", emptyFlags, 10000},
		{"variants", manyVariants, 44},
		{"big values", bigValues, 68},
		{"set metadata", setMetadata, 235},
		{"nodes", ruleNodes, 61},
		{"numbers", manyNumbers, 42},
		{"data", manyData, 520},
		{"mixed list", mixedList, 67},
		{"text list", textList, 62},
		{"number list", numberList, 271},
		{"one flag", oneFlag, 9},
		{"shares", manyShares, 109},
		{"attributes", manyAttributes, 38},
		{"long attributes", longAttributes, 14},
		{"deep", deepRules, 8705},
		{"evaluators", manyEvaluators, 10},
		{"big evaluator in loops", loopedEvaluator, 6},
		{"escapes", escapes, 9999},
		{"escaped keys", escapedKeys, 387},
		{"variant names", variantNames, 5000},
		{"broken by names", brokenNames, 5000},
		{"listed", listedFlags, 6500},
		{"conditions", conditions, 252},
		{"warnings", warnings, 173},
		{"random texts", randomTexts, 7335},
	}
}

// document joins flags to a document with more members in front.
func document(n int, members string, flag func(i int) string) string {
	var doc strings.Builder
	doc.WriteString("{" + members + `"flags":{"number":{"state":"ENABLED","variants":{"it":1},"defaultVariant":"it"}`)
	for i := range n {
		doc.WriteString(",\n" + flag(i))
	}
	return doc.String() + "}}"
}

const onOff = `"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"off"`

// realistic are flags as teams have them: a contract, a rule for two thirds of them.
func realistic(salt, n int) string {
	return document(n-1, "", func(i int) string {
		rule := [...]string{
			``,
			`,"targeting":{"if":[{"in":[{"var":"country"},["DE","AT","CH"]]},"on","off"]}`,
			fmt.Sprintf(`,"targeting":{"if":[{"==":[{"var":"plan"},"plan-%d-%d"]},"on",{"fractional":[["on",%d],["off",75]]}]}`, salt, i, 1+i%25),
		}[i%3]
		return fmt.Sprintf(`"team-%02d.feature-%d-%05d":{`+onOff+rule+`,"metadata":{"owner":"team-%02d","kind":"release",`+
			`"description":"Rolls the %05d-th new thing out to those who asked for it, and to nobody else before the team has seen what it does to sales.","expires":"2099-12-31","lifetimeReason":"a test"}}`, i%40, salt, i, i%40, i)
	})
}

// distinctRules have a rule of their own in every flag, as large as 10,000 of them leave room for.
func distinctRules(salt, n int) string {
	return document(n-1, "", func(i int) string {
		return fmt.Sprintf(`"f-%d-%05d":{`+onOff+`,"targeting":{"if":[{"and":[{"==":[{"var":"plan"},"p-%d-%d"]},{"in":[{"var":"country"},["de","at","ch"]]},`+
			`{">=":[{"var":"age"},%d]},{"ends_with":[{"var":"email"},"@%d.dev"]},{"sem_ver":[{"var":"version"},">=","2.%d.0"]},`+
			`{"!":{"var":"beta"}}]},"on","off"]}}`, salt, i, salt, i, i, i, i)
	})
}

func emptyFlags(salt, n int) string {
	return document(n-1, "", func(i int) string {
		return fmt.Sprintf(`"%d.%d":{"variants":{"a":0},"targeting":{"a":%d}}`, salt, i, i)
	})
}

func repeat(n int, part func(i int) string) string {
	parts := make([]string, n)
	for i := range parts {
		parts[i] = part(i)
	}
	return strings.Join(parts, ",")
}

func manyVariants(salt, n int) string {
	return document(n, "", func(i int) string {
		return fmt.Sprintf(`"v-%d-%d":{"state":"ENABLED","variants":{%s},"defaultVariant":"0","targeting":{"var":"v%d"}}`, salt, i,
			repeat(2_000, func(i int) string { return fmt.Sprintf(`"%d":0`, i) }), i)
	})
}

func bigValues(salt, n int) string {
	return document(n, "", func(i int) string {
		return fmt.Sprintf(`"b-%d-%d":{"state":"ENABLED","variants":{"on":%q},"defaultVariant":"on","targeting":{"if":[{"var":"b"},"on"]}}`, salt, i,
			strings.Repeat(string(rune('a'+i%26)), 60_000))
	})
}

func setMetadata(salt, n int) string {
	entries := repeat(n/60_000, func(i int) string { return fmt.Sprintf(`"m%d":%q,`, i, strings.Repeat("m", 60_000)) })
	meta := fmt.Sprintf(`"metadata":{%s"salt":"%d%s"},`, strings.ReplaceAll(entries, ",,", ","), salt, strings.Repeat("x", n%60_000))
	return document(9_000, meta, func(i int) string {
		return fmt.Sprintf(`"s-%d-%d":{"state":"ENABLED","variants":{"on":true},"defaultVariant":"on"}`, salt, i)
	})
}

// rule is a flag with a condition, in a rule that no other flag has.
func rule(salt, i int, condition string) string {
	return fmt.Sprintf(`"r-%d-%d":{`+onOff+`,"targeting":{"if":[{"==":[{"var":"u"},"%d-%d"]},"off",%s,"on"]}}`, salt, i, salt, i, condition)
}

func ruleNodes(salt, n int) string {
	return document(n, "", func(i int) string {
		return rule(salt, i, `{"cat":[{"var":"x"},`+strings.Repeat("[],", 1980)+`[]]}`)
	})
}

func manyNumbers(salt, n int) string {
	return document(n, "", func(i int) string {
		return rule(salt, i, `{"cat":[{"var":"x"},`+strings.Repeat("0,", 4_990)+`0]}`)
	})
}

func manyData(salt, n int) string {
	return document(n, "", func(i int) string {
		return rule(salt, i, `{`+repeat(1000, func(i int) string { return fmt.Sprintf(`"%d":0`, i) })+`}`)
	})
}

func mixedList(salt, n int) string {
	return document(n, "", func(i int) string {
		return rule(salt, i, `{"in":[{"var":"x"},[`+strings.Repeat(`0,`, 4_990)+`""]]}`)
	})
}

func textList(salt, n int) string {
	return document(n, "", func(i int) string {
		return rule(salt, i, `{"in":[{"var":"x"},[`+repeat(4_097, func(i int) string { return fmt.Sprintf(`"%d"`, i) })+`]]}`)
	})
}

func numberList(salt, n int) string {
	return document(n, "", func(i int) string {
		return rule(salt, i, `{"in":[{"var":"x"},[`+strings.Repeat(`1,`, 4_990)+`1]]}`)
	})
}

func oneFlag(salt, n int) string {
	return document(1, "", func(i int) string {
		return rule(salt, i, `{"or":[`+repeat(max(n, 1), func(int) string {
			return `{"in":[{"var":"x"},[` + strings.Repeat(`0,`, 4_990) + `""]]}`
		})+`]}`)
	})
}

func manyShares(salt, n int) string {
	return document(n, "", func(i int) string {
		return rule(salt, i, `{"fractional":[`+repeat(1_990, func(int) string { return `["on",1]` })+`]}`)
	})
}

func manyAttributes(salt, n int) string {
	return document(n, "", func(i int) string {
		return rule(salt, i, `{"or":[`+repeat(900, func(k int) string { return fmt.Sprintf(`{"var":"%x"}`, salt*1_000_000+i*900+k) })+`]}`)
	})
}

func longAttributes(salt, n int) string {
	return document(n, "", func(i int) string {
		return rule(salt, i, fmt.Sprintf(`{"var":"%d.%d%s"}`, salt, i, strings.Repeat(".a", 30_000)))
	})
}

func deepRules(salt, n int) string {
	const depth = 27
	return document(n, "", func(i int) string {
		return rule(salt, i, strings.Repeat(`{"!":[`, depth/2)+fmt.Sprintf(`{"var":"d%d"}`, i%10)+strings.Repeat(`]}`, depth/2))
	})
}

func manyEvaluators(salt, n int) string {
	members := `"$evaluators":{` + repeat(max(n, 1), func(i int) string {
		return fmt.Sprintf(`"e%d":{"in":[{"var":"x"},[%s""]]}`, i, strings.Repeat("0,", 4_990))
	}) + "},"
	return document(n, members, func(i int) string { return rule(salt, i, fmt.Sprintf(`{"$ref":"e%d"}`, i)) })
}

func loopedEvaluator(salt, n int) string {
	members := `"$evaluators":{"e":{"or":[` + repeat(9, func(int) string {
		return `{"in":[{"var":""},[` + strings.Repeat("0,", 4_990) + `""]]}`
	}) + "]}},"
	return document(n, members, func(i int) string {
		return rule(salt, i, fmt.Sprintf(`{"some":[{"var":"l%d"},{"$ref":"e"}]}`, i))
	})
}

func escapes(salt, n int) string {
	text := `"\u00e9\ud83d\ude00` + strings.Repeat(`\u0001`, 20) + `"`
	return document(n, "", func(i int) string {
		return fmt.Sprintf(`"x-%d-%d":{"state":"ENABLED","variants":{"o\u006e":%s},"defaultVariant":"on","targeting":{"if":[{"==":[{"var":"\u0061"},%s]},"\u006fn"]}}`,
			salt, i, text, text)
	})
}

func escapedKeys(salt, n int) string {
	return document(1, "", func(int) string {
		return fmt.Sprintf(`"%d%s":{"state":"ENABLED","variants":{%s},"targeting":{"var":"v"}}`, salt, strings.Repeat(`\u0001`, 6_000),
			repeat(max(n, 1), func(i int) string { return fmt.Sprintf(`"%d":0`, i) }))
	})
}

func variantNames(salt, n int) string {
	return document(1, "", func(int) string {
		return fmt.Sprintf(`"n-%d":{"state":"ENABLED","variants":{%s},"targeting":{"var":"v"}}`, salt,
			repeat(max(n, 1), func(i int) string { return fmt.Sprintf(`"%d%s":0`, i, strings.Repeat(`\u0001`, 130)) }))
	})
}

func brokenNames(salt, n int) string {
	return document(21, "", func(i int) string {
		if i > 0 {
			return fmt.Sprintf(`"k-%d-%d":{"variants":{"a":0}}`, salt, i)
		}
		return fmt.Sprintf(`"n-%d":{"state":"ENABLED","defaultVariant":"none","variants":{%s},"targeting":{"var":"v"}}`, salt,
			repeat(max(n, 1), func(i int) string { return fmt.Sprintf(`"%d%s":0`, i, strings.Repeat(`\u0001`, 130)) }))
	})
}

func listedFlags(salt, n int) string {
	return fmt.Sprintf(`{"flags":[{"key":"number","variants":{"it":1},"defaultVariant":"it"},%s]}`, repeat(max(n-1, 1), func(i int) string {
		return fmt.Sprintf(`{"key":"l-%d-%d%s",`+onOff+`}`, salt, i, strings.Repeat("k", 300))
	}))
}

func conditions(salt, n int) string {
	return document(n, "", func(i int) string {
		return rule(salt, i, `{"or":[`+repeat(660, func(k int) string { return fmt.Sprintf(`{"==":[{"var":"a"},%d]}`, k) })+`]}`)
	})
}

func warnings(salt, n int) string {
	return document(n, "", func(i int) string {
		return rule(salt, i, `{"or":[`+repeat(990, func(int) string { return `{"a":0}` })+`]}`)
	})
}

// randomTexts do not compress.
func randomTexts(salt, n int) string {
	r := rand.New(rand.NewPCG(uint64(salt), 1))
	return document(n, "", func(i int) string {
		text := make([]byte, 300)
		for i := range text {
			text[i] = byte(r.Uint32())
		}
		return fmt.Sprintf(`"t-%d-%d":{"state":"ENABLED","variants":{"on":%q},"defaultVariant":"on"}`, salt, i, base64.StdEncoding.EncodeToString(text))
	})
}
