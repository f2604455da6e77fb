package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/logging"
)

// How long single steps of a request may take. The whole of it takes as long as its context lives.
const (
	dialTimeout   = 5 * time.Second
	tlsTimeout    = 5 * time.Second
	answerTimeout = 30 * time.Second // from the last byte sent to the first received
)

// How much the SDK may read into memory of what is not an object.
const (
	maxHeader  = 64 << 10
	maxRefusal = 64 << 10
	maxListing = 4 << 20 // of 1,000 keys at most, each of 1 KiB at most and with as much again around it
)

// newClient goes through config.LoadDefaultConfig, which reads AWS_REGION, AWS_ENDPOINT_URL_S3, AWS_REQUEST_CHECKSUM_CALCULATION,
// AWS_CA_BUNDLE, profiles and roles; a client made of options alone would silently know none of them.
func newClient(ctx context.Context, cfg Config) (*s3.Client, *machine, error) {
	load := func(ctx context.Context) (aws.Config, error) {
		read, err := config.LoadDefaultConfig(ctx,
			config.WithAppID("burgee"),
			config.WithHTTPClient(httpClient()),
			config.WithLogger(logging.Nop{}), // what matters comes back as an error
			config.WithRetryer(func() aws.Retryer { return retryer(cfg.Attempts) }),
		)
		if own, ok := read.HTTPClient.(*awshttp.BuildableClient); ok { // with AWS_CA_BUNDLE in it by now
			read.HTTPClient = &http.Client{Transport: own.GetTransport(), CheckRedirect: follow}
		}
		return read, err
	}
	settings, err := load(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("AWS settings: %w", err)
	}
	if settings.Region == "" {
		return nil, nil, errors.New("AWS settings: no region; set AWS_REGION, or region in ~/.aws/config (servers without regions take us-east-1)")
	}
	m := newMachine(load, settings)
	settings.Credentials = m
	settings.HTTPClient = cautious{m}
	client := s3.NewFromConfig(settings, func(o *s3.Options) {
		o.UsePathStyle = cfg.PathStyle
		o.DisableLogOutputChecksumValidationSkipped = true // bundles are checked against a digest of our own
	})
	if err := checkEndpoint(client.Options().BaseEndpoint); err != nil {
		return nil, nil, fmt.Errorf("AWS settings: %w", err)
	}
	return client, m, nil
}

// checkEndpoint refuses an endpoint that the SDK would try in vain. Its error leaves out what stands before an "@": it may be a secret.
func checkEndpoint(endpoint *string) error {
	if endpoint == nil {
		return nil // AWS itself
	}
	if u, err := url.Parse(*endpoint); err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "" {
		return nil
	}
	return fmt.Errorf("endpoint %.200q (AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL or endpoint_url in ~/.aws/config) is no URL of a server: add http:// or https://",
		(*endpoint)[strings.LastIndex(*endpoint, "@")+1:])
}

// httpClient is the SDK's own kind of client: with any other, AWS_CA_BUNDLE is an error.
func httpClient() *awshttp.BuildableClient {
	return awshttp.NewBuildableClient().
		WithDialerOptions(func(d *net.Dialer) { d.Timeout = dialTimeout }).
		WithTransportOptions(func(t *http.Transport) {
			t.TLSHandshakeTimeout = tlsTimeout
			t.ResponseHeaderTimeout = answerTimeout
			t.MaxResponseHeaderBytes = maxHeader
		})
}

// maxRedirects is more than S3 asks for, which sends away only from a bucket that is new.
const maxRedirects = 3

// follow goes where the SDK's own client would, but not for ever: that one would be led in circles until the deadline, as fast as the
// network is.
func follow(req *http.Request, via []*http.Request) error {
	switch req.Response.StatusCode {
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		if len(via) <= maxRedirects {
			return nil
		}
	}
	return http.ErrUseLastResponse
}

// retryer adds to what the SDK tries again the conflicts of S3 with itself: nothing was written then, and the next try is told what
// came of it.
func retryer(attempts int) aws.Retryer {
	if attempts <= 1 {
		return aws.NopRetryer{}
	}
	standard := retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts = attempts })
	return retry.AddWithErrorCodes(standard, "ConditionalRequestConflict", "OperationAborted")
}

// cautious cuts whatever answer the SDK would read whole into memory, however long: errors and listings. Objects have limits of
// their own.
type cautious struct{ next aws.HTTPClient }

// Do sends req.
func (c cautious) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.next.Do(req)
	if err != nil {
		return resp, err
	}
	switch {
	case resp.StatusCode >= http.StatusMultipleChoices:
		resp.Body = limited{io.LimitReader(resp.Body, maxRefusal), resp.Body}
	case req.URL.Query().Has("list-type"):
		resp.Body = limited{io.LimitReader(resp.Body, maxListing), resp.Body}
	}
	return resp, nil
}

type limited struct {
	io.Reader
	io.Closer
}
