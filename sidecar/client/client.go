package client

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

// Defaults of [Config].
const (
	DefaultAddress     = "127.0.0.1:8016" // where a sidecar listens that was told nothing
	DefaultTimeout     = 250 * time.Millisecond
	DefaultConnections = 32
)

// Errors of a [Client], for [errors.Is].
var (
	// ErrAway says that there was no answer: no connection, or none in time.
	ErrAway = errors.New("the sidecar is away")
	// ErrAnswer says that what came is no answer that this package can read.
	ErrAnswer = errors.New("the sidecar's answer cannot be read")
	// ErrNoToken says that nothing names the state that the sidecar serves: whoever published it put no token beside it.
	ErrNoToken = errors.New("the sidecar's flags have no token, so that no request can keep to them; publish them with a burgeectl that makes tokens")
	// ErrContext says that the evaluation context cannot be written as JSON, so that nothing was asked.
	ErrContext = errors.New("the evaluation context cannot be written as JSON")
)

// Config says where the sidecar is. The zero value is one on [DefaultAddress].
type Config struct {
	Socket      string          // path of its Unix socket
	Address     string          // host:port on loopback, instead of a socket; "" means DefaultAddress where there is no socket either
	Timeout     time.Duration   // of one call, the wait for a connection included; 0 means DefaultTimeout
	Connections int             // at most, kept alive; further calls wait for one; 0 means DefaultConnections
	Logger      *slog.Logger    // is told once a minute that requests go on without a snapshot; nil means slog.Default()
	OnFailure   func(err error) // is told of each request that goes on without one, to count them; nil means nobody
}

// Client asks one sidecar. All its methods may be called at the same time.
type Client struct {
	line     *line
	reporter reporter
	last     atomic.Pointer[string] // the token that the sidecar answered with last
}

// New gives a client. It does not connect: a sidecar that is away now may come.
func New(c Config) (*Client, error) {
	switch {
	case c.Socket != "" && c.Address != "":
		return nil, fmt.Errorf("client: Socket is %q and Address is %q: a sidecar is asked at one of them; give one", c.Socket, c.Address)
	case c.Timeout < 0:
		return nil, fmt.Errorf("client: Timeout is %s: it must not be negative; 0 means %s", c.Timeout, DefaultTimeout)
	case c.Connections < 0:
		return nil, fmt.Errorf("client: Connections is %d: it must not be negative; 0 means %d", c.Connections, DefaultConnections)
	}
	if c.Address != "" {
		if err := checkLoopback(c.Address); err != nil {
			return nil, err
		}
	}
	if c.Timeout == 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Connections == 0 {
		c.Connections = DefaultConnections
	}
	if c.Address == "" {
		c.Address = DefaultAddress
	}
	return &Client{line: newLine(c), reporter: reporter{log: c.Logger, hook: c.OnFailure}}, nil
}

// checkLoopback refuses an address of another machine: contexts tell about people, and travel in the clear.
func checkLoopback(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || port == "" {
		return fmt.Errorf("client: Address is %q: it must be host:port, such as %s", address, DefaultAddress)
	}
	if ip, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !ip.IsLoopback()) {
		return fmt.Errorf("client: Address is %q: a sidecar is asked on loopback alone, such as %s; or give its Socket", address, DefaultAddress)
	}
	return nil
}

// Close closes the connections that no call uses.
func (c *Client) Close() { c.line.transport.CloseIdleConnections() }

// remember notes the token of this sidecar's environment, so that a request that brings it along can be let in unasked.
func (c *Client) remember(token string) {
	if last := c.last.Load(); last == nil || *last != token {
		c.last.Store(&token)
	}
}
