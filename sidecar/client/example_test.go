package client_test

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/burgeehq/burgee/sidecar/client"
	"github.com/burgeehq/burgee/sidecar/client/grpcmeta"
	"github.com/burgeehq/burgee/sidecar/client/otelbaggage"
)

// A service that only one's own services reach adopts what they bring.
func ExampleMiddleware() {
	burgee, err := client.New(client.Config{})
	if err != nil {
		log.Fatal(err)
	}
	orders := client.Middleware{Client: burgee, TrustIncoming: func(r *http.Request) bool {
		return r.TLS != nil && len(r.TLS.VerifiedChains) > 0 // services of ours have certificates of ours
	}}
	http.Handle("/orders", orders.Wrap(http.NotFoundHandler()))
}

// A host that looks like anybody's is told to be one's own.
func ExampleTransport() {
	partner := &http.Client{Transport: &client.Transport{Forward: func(r *http.Request) bool {
		return r.URL.Hostname() == "orders.shop.example"
	}}}
	partner.CloseIdleConnections()
}

func ExampleInside() {
	for _, host := range []string{"orders", "orders.shop.svc", "10.1.2.3", "orders.shop.example"} {
		fmt.Println(host, client.Inside(host))
	}
	// Output:
	// orders true
	// orders.shop.svc true
	// 10.1.2.3 true
	// orders.shop.example false
}

func Example_grpc() {
	burgee, err := client.New(client.Config{})
	if err != nil {
		log.Fatal(err)
	}
	in := grpcmeta.Server{Client: burgee, TrustIncoming: func(_ context.Context, method string) bool { return strings.HasPrefix(method, "/shop.internal.") }}
	server := grpc.NewServer(grpc.ChainUnaryInterceptor(in.Unary()), grpc.ChainStreamInterceptor(in.Stream()))
	out := grpcmeta.Outgoing{}
	conn, err := grpc.NewClient("dns:///orders:9000", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithChainUnaryInterceptor(out.Unary()), grpc.WithChainStreamInterceptor(out.Stream()))
	if err != nil {
		log.Fatal(err)
	}
	conn.Close()
	server.Stop()
}

func ExampleInject() {
	ctx := client.With(context.Background(), client.Parse("u1.7.5f1d"))
	headers := client.Map{}
	client.Inject(ctx, headers)
	fmt.Println(headers)

	ctx = client.Extract(context.Background(), headers)
	s, found := client.From(ctx)
	fmt.Println(s, found)
	// Output:
	// map[burgee-snapshot:u1.7.5f1d]
	// u1.7.5f1d true
}

// A message is worked on with the flags that its sender saw.
func ExampleClient_Enter() {
	burgee, err := client.New(client.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	headers := client.Map{}
	client.Inject(ctx, headers) // the sender

	ctx = burgee.Enter(client.Extract(context.Background(), headers)) // the receiver
	work(ctx)
}

func work(context.Context) {}

func Example_baggage() {
	send := func(ctx context.Context) {
		ctx, err := otelbaggage.Inject(ctx) // before a request leaves; with an error the baggage is full and goes on without
		if err != nil {
			log.Print(err)
		}
		work(ctx)
	}
	send(context.Background())
}

func ExampleClient_Values() {
	burgee, err := client.New(client.Config{})
	if err != nil {
		log.Fatal(err)
	}
	show := func(ctx context.Context) error {
		values, err := burgee.Values(ctx, map[string]any{"targetingKey": "u1", "country": "DE"}, "new_pricing", "basket_ranking")
		if err != nil {
			return err
		}
		for _, flag := range values.Flags {
			log.Println(flag.Key, flag.Variant, "cached under", values.CacheKey)
		}
		return nil
	}
	if err := show(context.Background()); err != nil {
		log.Print(err)
	}
}

func ExampleParse() {
	fmt.Println(client.Parse("u1.7.5f1d~not a token~r1.AAAA"))
	// Output: u1.7.5f1d~r1.AAAA
}
