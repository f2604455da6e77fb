package s3

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/versitygw"
)

// beyondTheServer are the statements whose conditions the test server does not know; gate holds them in its place.
var beyondTheServer = []string{"HistoryIsCreateOnly", "HeadOnlyUnderACondition"}

// governed is a bucket under the policies of docs/iam. OnlyOverTLS is left out of the bucket's policy, for the server speaks HTTP here.
type governed struct {
	*versitygw.Server
	publishing, reading versitygw.Credentials
	publisher, reader   *kit.Shop // publisher reaches the server through the gate
}

func newGoverned(t *testing.T) *governed {
	t.Helper()
	server := versitygw.StartWithIAM(t)
	server.Bucket(t, bucket)
	rules := readPolicy(t, "bucket.json")
	if err := server.Policy(t.Context(), bucket, rules.without(append(beyondTheServer, "OnlyOverTLS")...).String()); err != nil {
		t.Fatal(err)
	}
	g := &governed{
		Server:     server,
		publishing: server.Identity(t, "publisher", readPolicy(t, "publisher.json").String()),
		reading:    server.Identity(t, "reader", readPolicy(t, "reader.json").String()),
	}
	shop := kit.New(t).At(store)
	gate := newGate(t, server.Endpoint(), rules.without("OnlyOverTLS"), nil)
	g.publisher = shop.As(append(server.Env(g.publishing), pathStyle, "AWS_ENDPOINT_URL_S3="+gate))
	g.reader = as(shop, server, g.reading)
	return g
}

const denied = "<Error><Code>AccessDenied</Code><Message>by a policy</Message></Error>"

// newGate stands before the server and holds every Deny of the bucket's policy, as AWS does; change, where it is not nil, alters answers.
func newGate(t *testing.T, endpoint string, rules policy, change func(*http.Response) error) (address string) {
	t.Helper()
	target, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableCompression: true} // what is signed must pass as it is
	t.Cleanup(transport.CloseIdleConnections)
	pass := &httputil.ReverseProxy{Transport: transport, ErrorLog: log.New(io.Discard, "", 0), ModifyResponse: change, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Host = r.In.Host // it is signed
	}}
	gate := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rules.denies(callOf(r)) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(denied)) // the client may be gone
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(gate.Close)
	return gate.URL
}

// callOf is what AWS would ask the policy about.
func callOf(r *http.Request) call {
	query := r.URL.Query()
	part := r.Method == http.MethodPut && query.Has("uploadId") || r.Method == http.MethodPost && query.Has("uploads")
	c := call{"s3:GetObject", "arn:aws:s3:::" + strings.TrimPrefix(r.URL.Path, "/"), map[string]string{"aws:SecureTransport": "true"}}
	switch r.Method {
	case http.MethodPut, http.MethodPost:
		c.action, c.keys["s3:ObjectCreationOperation"] = "s3:PutObject", map[bool]string{true: "false", false: "true"}[part]
	case http.MethodDelete:
		c.action = "s3:DeleteObject"
	}
	for _, name := range []string{"if-none-match", "if-match"} {
		if value := r.Header.Get(name); value != "" {
			c.keys["s3:"+name] = value
		}
	}
	return c
}

// A reader's policy is enough for a sidecar and for whoever looks, and for nothing else.
func TestAReaderReadsAndNothingElse(t *testing.T) {
	t.Parallel()
	g := newGoverned(t)
	g.publisher.Publish(t, kit.Flags(1, 0))
	burgee := g.reader.Start(t, soon...)
	burgee.WillServe(t, 1, 1)
	g.publisher.Publish(t, kit.Flags(2, 0))
	burgee.WillServe(t, 2, 2)
	burgee.Fresh(t, 2)
	trusted := []string{"--store", store, "--trust-key", g.reader.Path("team.pub")}
	for _, verb := range [][]string{{"show"}, {"show", "1"}, {"show", "--flags"}, {"eval", kit.Number}} {
		g.reader.Ctl(append(verb, trusted...)...).Good(t)
	}
	g.reader.TryPublish(kit.Flags(3, 0)).Refused(t, 1, "access denied: 403", "hint: check credentials and permissions")
	client := g.Client(g.reading)
	for what, err := range map[string]error{
		"write":  put(t, client, "shop/prod/bundles/x", nil),
		"delete": del(t, client, "shop/prod/manifest.json"),
		"list":   list(t, client),
		"read beyond the prefix": func() error {
			_, err := client.GetObject(t.Context(), &s3.GetObjectInput{Bucket: aws.String(bucket), Key: aws.String("shop/test/manifest.json")})
			return err
		}(),
	} {
		if !forbidden(err) {
			t.Errorf("a reader's %s: %v; want access denied", what, err)
		}
	}
	burgee.Serves(t, 2, 2)
}

// Without the right to list, AWS says of a key that is missing what it says of one that is forbidden; this server says what it is, so
// the 403 is the test's. A sidecar takes it for a fault, never for a store that is empty: it keeps what it has, and says so.
func TestWithoutListingAMissingKeyIsAFault(t *testing.T) {
	t.Parallel()
	g := newGoverned(t)
	g.publisher.Publish(t, kit.Flags(1, 0))
	mute := newGate(t, g.Endpoint(), policy{}, func(answer *http.Response) error {
		if answer.StatusCode == http.StatusNotFound {
			answer.StatusCode, answer.ContentLength = http.StatusForbidden, int64(len(denied))
			answer.Header.Set("Content-Length", fmt.Sprint(len(denied)))
			answer.Body = io.NopCloser(strings.NewReader(denied))
		}
		return nil
	})
	reader := g.reader.As(append(g.reader.Env, "AWS_ENDPOINT_URL_S3="+mute))
	burgee := reader.Start(t, soon...)
	burgee.WillServe(t, 1, 1)
	head := s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: aws.String("shop/prod/manifest.json")}
	if _, err := g.Client(g.Root).DeleteObject(t.Context(), &head); err != nil {
		t.Fatal(err) // here root is above the bucket's policy
	}
	burgee.Until(t, "forbidden and stale", func(st kit.Status) bool { return st.Freshness == "stale" && st.ErrorKind() == "forbidden" })
	burgee.Serves(t, 1, 1)
	burgee.Stop(t)
	fresh := reader.Start(t, append(soon, "--state-dir", "")...)
	fresh.Until(t, "forbidden and empty", func(st kit.Status) bool { return st.Freshness == "empty" && st.ErrorKind() == "forbidden" })
	blind := g.publisher.As(append(g.publisher.Env, "AWS_ENDPOINT_URL_S3="+mute))
	blind.TryPublish(kit.Flags(2, 0)).Refused(t, 1, "access denied: 403", "S3 says this of missing objects to those who may not list")
}

// A publisher's policy and the bucket's let everything happen that burgeectl does, and nothing that would change the past.
func TestAPublisherCannotChangeThePast(t *testing.T) {
	t.Parallel()
	g := newGoverned(t)
	g.publisher.Publish(t, kit.Flags(1, 0))
	g.publisher.Publish(t, kit.Flags(2, 0))
	g.publisher.Ctl("resign", "--store", store, "--environment", kit.Environment, "--key", g.publisher.Path("team.key"),
		"--message", "again", "--author", "test").Good(t)
	var keys []string
	listed, err := g.Client(g.publishing).ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range listed.Contents {
		keys = append(keys, *o.Key)
	}
	if len(keys) < 8 { // a head, three copies, two bundles, two ledgers at least
		t.Fatalf("the store holds %v", keys)
	}
	direct := g.Client(g.publishing)
	gated := g.clientThroughGate(t)
	for _, key := range keys {
		if err := del(t, direct, key); !forbidden(err) {
			t.Errorf("a publisher deletes %s: %v", key, err)
		}
		if err := put(t, gated, key, nil); !forbidden(err) {
			t.Errorf("a publisher overwrites %s: %v", key, err)
		}
		if err := put(t, gated, key, aws.String("*")); status(err) != http.StatusPreconditionFailed {
			t.Errorf("a publisher creates %s again: %v", key, err)
		}
	}
	for _, key := range []string{"shop/prod/other.json", "shop/test/manifest.json", "elsewhere"} {
		if err := put(t, direct, key, aws.String("*")); !forbidden(err) {
			t.Errorf("a publisher writes %s: %v", key, err)
		}
	}
	mighty := g.Client(g.Identity(t, "administrator", everything))
	if err := del(t, mighty, "shop/prod/manifest.json"); !forbidden(err) {
		t.Errorf("an administrator deletes the head: %v", err)
	}
	if err := put(t, mighty, "elsewhere", nil); err != nil {
		t.Errorf("an administrator beyond the store: %v", err)
	}
	burgee := g.reader.Start(t, soon...)
	burgee.WillServe(t, 2, 3)
}

// everything is what an administrator may do, but for what the bucket's policy denies.
const everything = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}`

// An upload in parts is held to the condition where it is completed; its parts cannot carry one.
func TestAnUploadInPartsIsHeldToTheCondition(t *testing.T) {
	t.Parallel()
	g := newGoverned(t)
	client := g.clientThroughGate(t)
	key := aws.String("shop/prod/bundles/parts")
	begun, err := client.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: aws.String(bucket), Key: key})
	if err != nil {
		t.Fatal(err)
	}
	part, err := client.UploadPart(t.Context(), &s3.UploadPartInput{
		Bucket: aws.String(bucket), Key: key, UploadId: begun.UploadId, PartNumber: aws.Int32(1), Body: strings.NewReader("x"),
	})
	if err != nil {
		t.Fatal(err)
	}
	complete := func(condition *string) error {
		_, err := client.CompleteMultipartUpload(t.Context(), &s3.CompleteMultipartUploadInput{
			Bucket: aws.String(bucket), Key: key, UploadId: begun.UploadId, IfNoneMatch: condition,
			MultipartUpload: &types.CompletedMultipartUpload{Parts: []types.CompletedPart{{ETag: part.ETag, PartNumber: aws.Int32(1)}}},
		})
		return err
	}
	if err := complete(nil); !forbidden(err) {
		t.Errorf("completed without a condition: %v", err)
	}
	if err := complete(aws.String("*")); err != nil {
		t.Errorf("completed under the condition: %v", err)
	}
}

// The server takes TLS for a condition, and refuses what it does not know: when it learns it, the gate has done its work.
func TestWhatTheServerItselfHolds(t *testing.T) {
	t.Parallel()
	g := newGoverned(t)
	g.publisher.Publish(t, kit.Flags(1, 0))
	rules := readPolicy(t, "bucket.json")
	for _, sid := range beyondTheServer {
		var others []string
		for _, s := range rules.Statement {
			if s.Sid != sid {
				others = append(others, s.Sid)
			}
		}
		if err := g.Policy(t.Context(), bucket, rules.without(others...).String()); err == nil || !strings.Contains(err.Error(), "condition key") {
			t.Errorf("the server's answer to %s is %v; where it knows its keys now, take it out of beyondTheServer", sid, err)
		}
	}
	g.reader.Ctl("show", "--store", store, "--allow-unsigned").Good(t)
	if err := g.Policy(t.Context(), bucket, rules.without(beyondTheServer...).String()); err != nil {
		t.Fatal(err)
	}
	g.reader.Ctl("show", "--store", store, "--allow-unsigned").Refused(t, 1, "access denied: 403")
}

func (g *governed) clientThroughGate(t *testing.T) *s3.Client {
	t.Helper()
	address := ""
	for _, pair := range g.publisher.Env {
		if value, ok := strings.CutPrefix(pair, "AWS_ENDPOINT_URL_S3="); ok {
			address = value // the last one counts
		}
	}
	o := g.Client(g.publishing).Options()
	o.BaseEndpoint = aws.String(address)
	return s3.New(o)
}

func put(t *testing.T, client *s3.Client, key string, ifNoneMatch *string) error {
	t.Helper()
	_, err := client.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String(bucket), Key: &key, Body: bytes.NewReader([]byte("forged")), IfNoneMatch: ifNoneMatch,
	})
	return err
}

func del(t *testing.T, client *s3.Client, key string) error {
	t.Helper()
	_, err := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String(bucket), Key: &key})
	return err
}

func list(t *testing.T, client *s3.Client) error {
	t.Helper()
	_, err := client.ListObjectsV2(t.Context(), &s3.ListObjectsV2Input{Bucket: aws.String(bucket)})
	return err
}

// status is that of the answer behind an error; 0 where there was none.
func status(err error) int {
	if answer := (interface{ HTTPStatusCode() int })(nil); errors.As(err, &answer) {
		return answer.HTTPStatusCode()
	}
	return 0
}

// forbidden wants the store's own word for it too, as the programs do.
func forbidden(err error) bool {
	own := smithy.APIError(nil)
	return errors.As(err, &own) && own.ErrorCode() == "AccessDenied" && status(err) == http.StatusForbidden
}
