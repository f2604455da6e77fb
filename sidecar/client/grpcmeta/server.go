// Package grpcmeta carries snapshots in gRPC's metadata: what client.Middleware and client.Transport do for HTTP.
package grpcmeta

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/burgeehq/burgee/sidecar/client"
)

// Server gives each incoming call its snapshot.
type Server struct {
	Client *client.Client // required

	// TrustIncoming tells whether the call comes from one of one's own services, by its context (which has the peer) and its full method,
	// so that the snapshot that it carries is adopted; nil trusts nobody.
	TrustIncoming func(ctx context.Context, method string) bool
}

// Unary is the interceptor for calls with one message each way. Without a Client it panics, and so does Stream.
func (s Server) Unary() grpc.UnaryServerInterceptor {
	s.check()
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		return handle(s.enter(ctx, info.FullMethod), request)
	}
}

// Stream is the interceptor for streams: one stream, one snapshot, however long it lasts.
func (s Server) Stream() grpc.StreamServerInterceptor {
	s.check()
	return func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
		return handle(server, serverStream{stream, s.enter(stream.Context(), info.FullMethod)})
	}
}

// check panics where the program starts, and not at its first call.
func (s Server) check() {
	if s.Client == nil {
		panic("grpcmeta: Server has no Client to ask for snapshots: set it to what client.New gives")
	}
}

// serverStream is a stream with another context, which gRPC has no other way to give.
type serverStream struct {
	grpc.ServerStream
	ctx context.Context
}

func (s serverStream) Context() context.Context { return s.ctx }

// enter takes the key out of the metadata, whether it was trusted or not: the context is the one place to read a snapshot from.
func (s Server) enter(ctx context.Context, method string) context.Context {
	md, _ := metadata.FromIncomingContext(ctx) // a copy
	if lines := md.Get(client.Key); len(lines) > 0 {
		md.Delete(client.Key)
		trusted := s.TrustIncoming != nil && s.TrustIncoming(ctx, method)
		ctx = metadata.NewIncomingContext(ctx, md)
		if trusted {
			ctx = client.With(ctx, client.Parse(lines...))
		}
	}
	return s.Client.Enter(ctx)
}
