package flagfile

import (
	"math/big"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"go.yaml.in/yaml/v3"
)

// scalar writes a plain value. Dates are strings in JSON, as they are written.
func (c *converter) scalar(n *yaml.Node) error {
	switch tag := n.ShortTag(); tag {
	case "!!str", "!!timestamp", "!!merge":
		c.quote(n.Value)
	case "!!null":
		c.out = append(c.out, "null"...)
	case "!!bool":
		return c.boolean(n)
	case "!!int":
		return c.integer(n)
	case "!!float":
		return c.float(n)
	default:
		return errorAt(n, "the tag %s has no meaning in a flag file", tag)
	}
	return nil
}

func (c *converter) boolean(n *yaml.Node) error {
	b, err := strconv.ParseBool(strings.ToLower(n.Value))
	if err != nil {
		return errorAt(n, "%q is no boolean", n.Value)
	}
	c.out = strconv.AppendBool(c.out, b)
	return nil
}

// integer keeps the token where JSON writes it alike; hexadecimal, octal and
// the like become decimal, however large.
func (c *converter) integer(n *yaml.Node) error {
	if isJSONNumber(n.Value) {
		c.out = append(c.out, n.Value...)
		return nil
	}
	i, ok := new(big.Int).SetString(strings.TrimPrefix(n.Value, "+"), 0)
	if !ok {
		return errorAt(n, "%q is no integer", n.Value)
	}
	c.out = i.Append(c.out, 10)
	return nil
}

func (c *converter) float(n *yaml.Node) error {
	if isJSONNumber(n.Value) {
		c.out = append(c.out, n.Value...)
		return nil
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(n.Value, "_", ""), 64)
	token := strconv.FormatFloat(f, 'g', -1, 64)
	if err != nil || !isJSONNumber(token) {
		return errorAt(n, "%s has no number in JSON", n.Value)
	}
	c.out = append(c.out, token...)
	return nil
}

func isJSONNumber(s string) bool {
	v := jsontext.Value(s)
	return len(s) > 0 && s[0] != ' ' && s[len(s)-1] != ' ' && v.Kind() == '0' && v.IsValid()
}
