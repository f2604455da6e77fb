package grpcmeta_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/grpcmeta"
	"github.com/burgeehq/burgee/sidecar/client/internal/clienttest"
)

var (
	ours   = "u1.7." + strings.Repeat("ab", 32)
	theirs = "r1." + strings.Repeat("Z_-9", 32)
	older  = "u1.6." + strings.Repeat("cd", 32)
)

// seen is what a handler finds of one call.
type seen struct {
	snapshot string
	metadata []string
}

// service is gRPC's own health service, here to note what its handlers find.
type service struct {
	grpc_health_v1.UnimplementedHealthServer
	calls chan seen
}

func (s service) note(ctx context.Context) {
	snapshot, _ := client.From(ctx)
	md, _ := metadata.FromIncomingContext(ctx)
	s.calls <- seen{snapshot.String(), md.Get(client.Key)}
}

func (s service) Check(ctx context.Context, _ *grpc_health_v1.HealthCheckRequest) (*grpc_health_v1.HealthCheckResponse, error) {
	s.note(ctx)
	return &grpc_health_v1.HealthCheckResponse{}, nil
}

func (s service) Watch(_ *grpc_health_v1.HealthCheckRequest, stream grpc.ServerStreamingServer[grpc_health_v1.HealthCheckResponse]) error {
	s.note(stream.Context())
	return nil
}

// network is a server and a client of it, both with the interceptors.
type network struct {
	service service
	health  grpc_health_v1.HealthClient
	socket  string
}

func newNetwork(t *testing.T, server grpcmeta.Server, outgoing grpcmeta.Outgoing) network {
	t.Helper()
	listener, socket := clienttest.Listen(t)
	s := grpc.NewServer(grpc.UnaryInterceptor(server.Unary()), grpc.StreamInterceptor(server.Stream()))
	n := network{service: service{calls: make(chan seen, 1)}, socket: socket}
	grpc_health_v1.RegisterHealthServer(s, n.service)
	done := make(chan error, 1)
	go func() { done <- s.Serve(listener) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	n.health = n.dial(t, grpc.WithUnaryInterceptor(outgoing.Unary()), grpc.WithStreamInterceptor(outgoing.Stream()))
	return n
}

// dial gives a client that is closed before the server is.
func (n network) dial(t *testing.T, options ...grpc.DialOption) grpc_health_v1.HealthClient {
	t.Helper()
	conn, err := grpc.NewClient("unix:"+n.socket, append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return grpc_health_v1.NewHealthClient(conn)
}

// call makes a call of each kind, and gives what their handlers found, which must be the same.
func (n network) call(ctx context.Context, t *testing.T) seen {
	t.Helper()
	if _, err := n.health.Check(ctx, &grpc_health_v1.HealthCheckRequest{}); err != nil {
		t.Fatal(err)
	}
	unary := <-n.service.calls
	stream, err := n.health.Watch(ctx, &grpc_health_v1.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != io.EOF { //nolint:errorlint // the end of a stream is this very value
		t.Fatal(err)
	}
	if streamed := <-n.service.calls; streamed.snapshot != unary.snapshot || !slices.Equal(streamed.metadata, unary.metadata) {
		t.Errorf("a stream found %+v; a call %+v", streamed, unary)
	}
	return unary
}

func everybody(context.Context, string) bool { return true }

// connect gives a client of a sidecar that answers with ours.
func connect(t *testing.T, socket string) *client.Client {
	t.Helper()
	c, err := client.New(client.Config{Socket: socket, Timeout: clienttest.Patience, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func sidecar(t *testing.T) string {
	return clienttest.Answer(t, http.StatusOK, `{"revision":7,"token":"`+ours+`","flags":[]}`)
}

func TestCallsCarrySnapshots(t *testing.T) {
	for _, row := range []struct {
		name    string
		trust   func(context.Context, string) bool
		forward func(string) bool
		carried string
		by      string // hand, into the metadata
		want    string
	}{
		{"opens", nil, nil, "", "", ours},
		{"trusts nobody of itself", nil, nil, older, "", ours},
		{"adopts and completes", everybody, nil, theirs, "", theirs + "~" + ours},
		{"replaces what was copied", everybody, nil, theirs, older, theirs + "~" + ours},
		{"passes on what the context has alone", everybody, nil, "", theirs, ours},
		{"does not leave", everybody, func(string) bool { return false }, theirs, older, ours},
		{"by method", func(_ context.Context, method string) bool {
			return strings.HasPrefix(method, "/grpc.health.v1.Health/")
		}, nil, theirs, "", theirs + "~" + ours},
	} {
		t.Run(row.name, func(t *testing.T) {
			n := newNetwork(t, grpcmeta.Server{Client: connect(t, sidecar(t)), TrustIncoming: row.trust}, grpcmeta.Outgoing{Forward: row.forward})
			ctx := client.With(t.Context(), client.Parse(row.carried))
			if row.by != "" {
				ctx = metadata.AppendToOutgoingContext(ctx, client.Key, row.by)
			}
			got := n.call(ctx, t)
			if got.snapshot != row.want || len(got.metadata) > 0 {
				t.Errorf("the handler found %+v; want the snapshot %q and no metadata", got, row.want)
			}
		})
	}
}

func TestAServerNeedsAClient(t *testing.T) {
	for name, enter := range map[string]func(grpcmeta.Server){
		"Unary":  func(s grpcmeta.Server) { s.Unary() },
		"Stream": func(s grpcmeta.Server) { s.Stream() },
	} {
		func() {
			defer func() {
				if said, _ := recover().(string); !strings.Contains(said, "Server has no Client") {
					t.Errorf("%s says %q; want what is missing", name, said)
				}
			}()
			enter(grpcmeta.Server{})
		}()
	}
}

// What others' clients send is read as a list, several lines as one, and what has not the shape of a token is left out.
func TestMetadataOfOthersIsRead(t *testing.T) {
	n := newNetwork(t, grpcmeta.Server{Client: connect(t, sidecar(t)), TrustIncoming: everybody}, grpcmeta.Outgoing{})
	n.health = n.dial(t)
	ctx := metadata.AppendToOutgoingContext(t.Context(), client.Key, "not a token~"+theirs, client.Key, older)
	if got, want := n.call(ctx, t), theirs+"~"+older+"~"+ours; got.snapshot != want || len(got.metadata) > 0 {
		t.Errorf("the handler found %+v; want the snapshot %q and no metadata", got, want)
	}
}

func TestCallsAreServedWithoutASidecar(t *testing.T) {
	c := connect(t, filepath.Join(clienttest.Folder(t), "s"))
	n := newNetwork(t, grpcmeta.Server{Client: c, TrustIncoming: everybody}, grpcmeta.Outgoing{})
	if got := n.call(t.Context(), t); got.snapshot != "" {
		t.Errorf("the handler found %+v; want no snapshot", got)
	}
	if got := n.call(client.With(t.Context(), client.Parse(theirs)), t); got.snapshot != theirs {
		t.Errorf("the handler found %+v; want what was carried", got)
	}
}

func TestInside(t *testing.T) {
	for target, want := range map[string]bool{
		"unix:/run/s.sock": true, "unix:///run/s.sock": true, "unix-abstract:s": true,
		"dns:///orders:9000": true, "dns:///orders.shop.svc:9000": true, "dns:orders:9000": true, "dns:///orders": true,
		"dns://10.0.0.53/orders.shop.svc:9000": true, "passthrough:///127.0.0.1:9000": true, "dns:///[::1]:9000": true, "dns:///[::1]": true,
		"dns:///api.example.com:443": false, "dns://orders/api.example.com:443": false, "dns:///8.8.8.8:443": false,
		"xds:///orders": false, "": false, "dns:///": false, "dns:": false, "dns://orders": false,
	} {
		if got := grpcmeta.Inside(target); got != want {
			t.Errorf("Inside(%q) is %t; want %t", target, got, want)
		}
	}
}
