package network

import (
	"net"
	"strings"
	"testing"

	"github.com/burgeehq/burgee/test/kit"
)

// A name that does not resolve is named, and a restart meanwhile serves what the disk holds.
func TestANameThatDoesNotResolve(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	burgee := site.at(site.Endpoint()).Start(t, "--poll", poll.String())
	burgee.Fresh(t, 1)
	burgee.Stop(t)
	nowhere := strings.Repeat("a", 64) + ".example" // no label may be so long: nobody's resolver is asked
	shop := site.at("http://" + nowhere)
	burgee = site.serving(t, shop)
	st := says(t, burgee, "unavailable", "lookup "+nowhere, "no such host", head)
	t.Log(st.Sync.LastError.Message)
	stale(t, burgee, 1)
	backsOff(t, burgee, staleAfter)
	shop.TryPublish(kit.Flags(2, 0)).Refused(t, 1, "lookup "+nowhere, "no such host", "hint: check the network and the store's endpoint")
}

// IPv6 is an address like any other.
func TestIPv6(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	l, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skipf("SKIP: there is no IPv6 loopback here: %v", err)
	}
	front := site.newFront(t)
	_ = front.Listener.Close() // that of httptest, on IPv4
	front.Listener = l
	front.Start()
	shop := site.at("http://" + l.Addr().String())
	burgee := site.start(t, shop)
	shop.TryPublish(kit.Flags(2, 0)).Good(t)
	burgee.WillServe(t, 2, 2)
	front.Close()
	site.publish(t, 3)
	st := says(t, burgee, "unavailable", "connection refused", "[::1]", head)
	t.Log(st.Sync.LastError.Message)
	stale(t, burgee, 2)
}
