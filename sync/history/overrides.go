package history

import (
	"fmt"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/burgeehq/burgee/sync/bundle"
)

// overrides holds what a ledger tells of overrides against those of the manifests before and after it.
func overrides(h bundle.Head, before *held, ledger *bundle.Ledger) error {
	var standing []bundle.Override
	if before != nil {
		standing = slices.Clone(before.head.Manifest().Overrides)
	}
	for _, e := range ledger.Entries {
		var err error
		switch e.Kind {
		case bundle.EntryOverridden:
			standing, err = come(standing, e)
		case bundle.EntryRestored:
			standing, err = take(standing, e.Flag, e.Before)
		}
		if err != nil {
			return err
		}
	}
	m := h.Manifest()
	for _, o := range m.Overrides {
		i := slices.IndexFunc(standing, o.Same)
		if i < 0 {
			return fmt.Errorf("it does not tell that %.200q was overridden as revision %d has it", o.Flag, m.Revision)
		}
		standing = slices.Delete(standing, i, i+1)
	}
	for _, o := range standing {
		return fmt.Errorf("it does not tell that an override of %.200q was lifted, which revision %d does not have", o.Flag, m.Revision)
	}
	return nil
}

// come is what stands after an entry that says that an override came, perhaps in another one's place.
func come(standing []bundle.Override, e bundle.Entry) ([]bundle.Override, error) {
	if len(e.Before) > 0 {
		var err error
		if standing, err = take(standing, e.Flag, e.Before); err != nil {
			return nil, err
		}
	}
	o, err := overrideIn(e.Flag, e.After)
	return append(standing, o), err
}

// take is what stands without an override that an entry says was there.
func take(standing []bundle.Override, flag string, text jsontext.Value) ([]bundle.Override, error) {
	o, err := overrideIn(flag, text)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(standing, o.Same)
	if i < 0 {
		return nil, fmt.Errorf("it tells of an override of %.200q that was lifted, and that was not there", flag)
	}
	return slices.Delete(standing, i, i+1), nil
}

// overrideIn reads the override in an entry about a flag.
func overrideIn(flag string, text jsontext.Value) (bundle.Override, error) {
	var o bundle.Override
	if err := json.Unmarshal(text, &o); err != nil {
		return o, fmt.Errorf("it does not tell which override of %.200q it means: %w", flag, err)
	}
	if o.Flag != flag {
		return o, fmt.Errorf("it tells of an override of %.200q with the name of %.200q", o.Flag, flag)
	}
	return o, nil
}
