package bundletest

import (
	"testing"

	"github.com/burgeehq/burgee/sync/object"
	"github.com/burgeehq/burgee/sync/object/objecttest"
)

func TestSourceIsAStore(t *testing.T) {
	objecttest.Run(t, func(*testing.T) object.Store { return NewSource() })
}
