// Package settings reads what a program is told, on its command line and in its environment, into a struct that declares each setting
// once: a field, whose tags say the rest. It calls no method by its name: in a program that does, the linker keeps every method of
// every type, used or not (docs/decisions/settings.md).
package settings

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Setting is one field of such a struct. Flag and variable are called as the field is: StaleAfter is --stale-after. Its tags are help,
// default, placeholder, group, and enum, which lists with commas all that is allowed.
type Setting struct {
	Name        string // of the flag, without dashes
	Variable    string // of the environment
	Help        string
	Default     string
	Placeholder string
	Group       string
	Enum        []string

	field reflect.Value
}

// Of lists what a struct declares. Prefix begins the name of each variable, such as BURGEE. Pointer is one to the struct.
func Of(prefix string, pointer any) []Setting {
	of := reflect.ValueOf(pointer).Elem()
	all := make([]Setting, 0, of.NumField())
	for i := range of.NumField() {
		field := of.Type().Field(i)
		s := Setting{
			Name: dashed(field.Name), Help: field.Tag.Get("help"), Default: field.Tag.Get("default"),
			Placeholder: field.Tag.Get("placeholder"), Group: field.Tag.Get("group"), field: of.Field(i),
		}
		s.Variable = prefix + "_" + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
		if values := field.Tag.Get("enum"); values != "" {
			s.Enum = strings.Split(values, ",")
		}
		all = append(all, s)
	}
	return all
}

// dashed makes stale-after of StaleAfter.
func dashed(field string) string {
	var name strings.Builder
	for i, r := range field {
		if unicode.IsUpper(r) && i > 0 {
			name.WriteByte('-')
		}
		name.WriteRune(unicode.ToLower(r))
	}
	return name.String()
}

// isSwitch tells whether the flag stands alone.
func (s *Setting) isSwitch() bool { return s.field.Kind() == reflect.Bool }

// isList tells whether the flag may be repeated.
func (s *Setting) isList() bool { return s.field.Kind() == reflect.Slice }

// kind is how an error calls what the setting takes.
func (s *Setting) kind() string {
	switch s.field.Interface().(type) {
	case time.Duration:
		return "duration"
	case int, int64:
		return "integer"
	}
	return "string"
}

// add takes one value as it is written; to a list it adds.
func (s *Setting) add(text string) error {
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, text) {
		return notOneOf{fmt.Errorf("must be one of %s but got %q", quoted(s.Enum), text)}
	}
	if from, ok := s.field.Addr().Interface().(encoding.TextUnmarshaler); ok {
		return from.UnmarshalText([]byte(text))
	}
	switch into := s.field.Addr().Interface().(type) {
	case *string:
		*into = text
	case *[]string:
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part != "" {
				*into = append(*into, part)
			}
		}
	case *bool:
		return setSwitch(into, text)
	case *time.Duration:
		length, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("expected duration but got %q: %w", text, err)
		}
		*into = length
	case *int, *int64:
		number, err := strconv.ParseInt(text, 0, s.field.Type().Bits())
		if err != nil {
			return fmt.Errorf("expected a valid %d bit int but got %q", s.field.Type().Bits(), text)
		}
		s.field.SetInt(number)
	default:
		panic("settings: a field of type " + s.field.Type().String())
	}
	return nil
}

func setSwitch(into *bool, text string) error {
	switch strings.ToLower(text) {
	case "true", "1", "yes":
		*into = true
	case "false", "0", "no":
		*into = false
	default:
		return fmt.Errorf("bool value must be true, 1, yes, false, 0 or no but got %q", text)
	}
	return nil
}

// notOneOf is an error that goes on where the setting's name ends.
type notOneOf struct{ error }

// wrong names the setting in an error.
func (s *Setting) wrong(err error) error {
	if as := (notOneOf{}); errors.As(err, &as) {
		return fmt.Errorf("--%s %w", s.Name, err)
	}
	return fmt.Errorf("--%s: %w", s.Name, err)
}

func quoted(all []string) string {
	parts := make([]string, len(all))
	for i, s := range all {
		parts[i] = strconv.Quote(s)
	}
	return strings.Join(parts, ",")
}
