package provider

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

func readBool(value []byte) (is, fits bool) {
	switch string(value) {
	case "true":
		return true, true
	case "false":
		return false, true
	}
	return false, false
}

func readString(value []byte) (text string, fits bool) {
	if value[0] != '"' {
		return "", false
	}
	err := json.Unmarshal(value, &text)
	return text, err == nil
}

func readFloat(value []byte) (float64, bool) {
	if !isNumber(value) {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(value), 64)
	return f, err == nil
}

// maxExact bounds the whole numbers that a float64 holds each of; what lies beyond may be rounded to it, so it is beyond itself.
const maxExact = 1 << 53

// readInt takes 250, and 250.0 or 2.5e2 as well, which flag files hold; but no such spelling beyond what is certainly exact.
func readInt(value []byte) (int64, bool) {
	if !isNumber(value) {
		return 0, false
	}
	if i, err := strconv.ParseInt(string(value), 10, 64); err == nil {
		return i, true
	}
	if !bytes.ContainsAny(value, ".eE") {
		return 0, false // beyond an int64
	}
	f, err := strconv.ParseFloat(string(value), 64)
	return int64(f), err == nil && f == math.Trunc(f) && math.Abs(f) < maxExact
}

func isNumber(value []byte) bool {
	return value[0] == '-' || '0' <= value[0] && value[0] <= '9'
}

func readObject(value []byte) (any, bool) {
	if value[0] != '{' && value[0] != '[' {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(value))
	d.UseNumber()
	var object any
	if err := d.Decode(&object); err != nil {
		return nil, false
	}
	return settle(object), true
}

// settle turns numbers into what encoding/json gives where that is exact.
func settle(value any) any {
	switch v := value.(type) {
	case map[string]any:
		for key, member := range v {
			v[key] = settle(member)
		}
	case []any:
		for i, element := range v {
			v[i] = settle(element)
		}
	case json.Number:
		return number(v)
	}
	return value
}

func number(n json.Number) any {
	whole, err := strconv.ParseInt(n.String(), 10, 64)
	if err == nil && (whole >= maxExact || whole <= -maxExact) {
		return whole
	}
	f, errFloat := n.Float64()
	if errFloat != nil || err != nil && !bytes.ContainsAny([]byte(n), ".eE") {
		return n
	}
	return f
}
