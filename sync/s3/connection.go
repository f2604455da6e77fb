package s3

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/burgeehq/burgee/sync/object"
)

const certificateAdvice = "check the server's certificate and AWS_ENDPOINT_URL_S3; AWS_CA_BUNDLE names a PEM file with authorities of one's own"

// ofConnection says why no answer came.
func ofConnection(err error) error {
	if !isInsecure(err) {
		return fmt.Errorf("%w: %s", object.ErrUnavailable, cause(err))
	}
	said := fmt.Errorf("%w: %w: %s", object.ErrUnavailable, object.ErrInsecure, cause(err))
	if errors.As(err, new(x509.UnknownAuthorityError)) {
		said = fmt.Errorf("%w; AWS_CA_BUNDLE names authorities of one's own", said)
	}
	return advisedError{said, certificateAdvice}
}

// isInsecure tells whether it was TLS that failed: nothing was asked of the store then.
func isInsecure(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) || errors.As(err, new(tls.RecordHeaderError)) ||
		errors.As(err, new(tls.AlertError)) || errors.Is(err, http.ErrSchemeMismatch)
}

// cause is the innermost thing that went wrong, on one line. What the layers around it add may hold a URL with its query: of that the
// host alone is told.
func cause(err error) string {
	host := ""
	if sent := (*url.Error)(nil); errors.As(err, &sent) {
		err = sent.Err
		if u, wrong := url.Parse(sent.URL); wrong == nil {
			host = u.Host
		}
	} else {
		for inner := errors.Unwrap(err); inner != nil; inner = errors.Unwrap(err) {
			err = inner
		}
	}
	line, _, _ := strings.Cut(err.Error(), "\n")
	if errors.Is(err, io.EOF) {
		line = "the connection ended before an answer came"
	}
	if host != "" && !strings.Contains(line, host) {
		line = host + ": " + line
	}
	return fmt.Sprintf("%.200s", line)
}
