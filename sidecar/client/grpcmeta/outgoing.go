package grpcmeta

import (
	"context"
	"net"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/burgeehq/burgee/sidecar/client"
)

// Outgoing passes the snapshot of a call's context on to the service that is called.
type Outgoing struct {
	// Forward tells whether a target, as gRPC's ClientConn names it, is one's own; nil asks Inside.
	Forward func(target string) bool
}

// Unary is the interceptor for calls with one message each way.
func (o Outgoing) Unary() grpc.UnaryClientInterceptor {
	return func(ctx context.Context, method string, request, reply any, cc *grpc.ClientConn, call grpc.UnaryInvoker, options ...grpc.CallOption) error {
		return call(o.pass(ctx, cc.CanonicalTarget()), method, request, reply, cc, options...)
	}
}

// Stream is the interceptor for streams.
func (o Outgoing) Stream() grpc.StreamClientInterceptor {
	return func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption) (grpc.ClientStream, error) {
		return open(o.pass(ctx, cc.CanonicalTarget()), desc, cc, method, options...)
	}
}

// pass writes the snapshot into the metadata. Where the target is another's or the context carries none, it takes out what stands there: it
// was copied from an incoming call, and the next service would trust what nobody here did.
func (o Outgoing) pass(ctx context.Context, target string) context.Context {
	forward := o.Forward
	if forward == nil {
		forward = Inside
	}
	s, found := client.From(ctx)
	md, _ := metadata.FromOutgoingContext(ctx) // a copy, or nil
	switch {
	case found && forward(target):
		if md == nil {
			md = metadata.MD{}
		}
		md.Set(client.Key, s.String())
	case len(md.Get(client.Key)) == 0:
		return ctx
	default:
		md.Delete(client.Key)
	}
	return metadata.NewOutgoingContext(ctx, md)
}

// Inside tells whether a target can only be one's own: a Unix socket, or an address or DNS name that client.Inside takes for one. What
// other resolvers look up is not known here.
func Inside(target string) bool {
	scheme, rest, _ := strings.Cut(target, ":")
	switch scheme {
	case "unix", "unix-abstract":
		return true
	case "dns", "passthrough":
	default:
		return false
	}
	endpoint := rest
	if authority, found := strings.CutPrefix(rest, "//"); found { // what stands before the next slash is a DNS server
		_, endpoint, _ = strings.Cut(authority, "/")
	}
	host, _, err := net.SplitHostPort(endpoint)
	if err != nil {
		host = strings.Trim(endpoint, "[]")
	}
	return client.Inside(host)
}
