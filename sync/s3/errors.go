package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/burgeehq/burgee/sync/object"
)

// meaning is what the answers that depend on the question stand for.
type meaning struct {
	missing error // there is no such key
	failed  error // a condition did not hold
}

// advisedError knows a better way out than its sentinel, which stands for the faults of all stores.
type advisedError struct {
	error
	advice string
}

const (
	credentialsAdvice = "credentials are found as the aws command finds them: AWS_PROFILE, AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY, or a role"
	bucketAdvice      = "check --store, AWS_REGION and AWS_ENDPOINT_URL_S3: the bucket must be there before the first publication"
)

// WayOut is what a person may do about it.
func (a advisedError) WayOut() string { return a.advice }

// Unwrap gives the error without the advice.
func (a advisedError) Unwrap() error { return a.error }

// of says in the package object's words why a call failed, without what the SDK adds: whole requests, URLs, many lines.
func (m meaning) of(ctx context.Context, err error) error {
	if ended := object.Ended(ctx); ended != nil {
		return ended
	}
	var unsigned credentialsError
	if errors.As(err, &unsigned) {
		return advisedError{fmt.Errorf("%w: %w: %s; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role",
			object.ErrUnavailable, object.ErrCredentials, whyNone(unsigned.error)), credentialsAdvice}
	}
	var answer *awshttp.ResponseError
	if !errors.As(err, &answer) || answer.HTTPStatusCode() == 0 {
		return ofConnection(err)
	}
	return m.ofAnswer(answer)
}

func (m meaning) ofAnswer(answer *awshttp.ResponseError) error {
	var api smithy.APIError
	code := ""
	if errors.As(answer, &api) {
		code = word(api.ErrorCode())
	}
	text := strings.TrimSpace(fmt.Sprintf("%d %s", answer.HTTPStatusCode(), code))
	if id := word(answer.ServiceRequestID()); id != "" {
		text += ", request " + id
	}
	if code == "RequestTimeTooSkewed" {
		return newClockError(answer.Response.Response, text)
	}
	if known := m.ofCode(answer.HTTPStatusCode(), code); known != nil {
		return postponed(fmt.Errorf("%w: %s", known, text), answer.Response.Header)
	}
	return errors.New("unexpected answer: " + text + advice(answer.Response.Header))
}

// whyNone tells what kept credentials away: the answer of whoever issues them, as far as the SDK keeps it, or else the cause.
func whyNone(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return cause(err)
	}
	var answer *smithyhttp.ResponseError
	if errors.As(err, &answer) && answer.Response != nil && answer.Response.Request != nil {
		return fmt.Sprintf("%s answered %d %s", answer.Response.Request.URL.Host, answer.HTTPStatusCode(), word(api.ErrorCode()))
	}
	said, _, _ := strings.Cut(api.ErrorMessage(), "\n")
	return fmt.Sprintf("whoever issues them answered %s %.200q", word(api.ErrorCode()), said)
}

// ofCode knows what S3 answers. A 404 counts as a missing object only in S3's own words: any other comes from a wrong endpoint, and
// must not pass for an empty store.
func (m meaning) ofCode(status int, code string) error {
	switch code {
	case "NoSuchBucket":
		return advisedError{object.ErrNoStore, bucketAdvice}
	case "NoSuchKey":
		return m.missing
	case "ExpiredToken", "InvalidToken", "TokenRefreshRequired": // status 400
		return object.ErrForbidden
	case "RequestTimeout": // status 400
		return object.ErrUnavailable
	}
	switch status {
	case http.StatusNotModified:
		return object.ErrNotModified
	case http.StatusPreconditionFailed:
		return m.failed
	case http.StatusConflict: // another write to the key was under way, and this one was not done
		return object.ErrConflict
	case http.StatusUnauthorized, http.StatusForbidden:
		return object.ErrForbidden
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return object.ErrUnavailable
	}
	return nil
}

// advice is the way out of the two settings that are wrong most often.
func advice(header http.Header) string {
	if region := word(header.Get("X-Amz-Bucket-Region")); region != "" {
		return "; the bucket is in another region: set AWS_REGION=" + region
	}
	return "; check that AWS_ENDPOINT_URL_S3 is the endpoint of an S3 server, and AWS_REGION the region of the bucket"
}

// longestPause is more than anybody asks for in earnest.
const longestPause = 24 * time.Hour

// postponed adds to an error of a store that is too busy when it wants to be asked again. Both forms of the header are known; a date is
// counted from that of the answer, so that no two clocks have to agree.
func postponed(err error, header http.Header) error {
	asked := header.Get("Retry-After")
	if asked == "" || !errors.Is(err, object.ErrUnavailable) {
		return err
	}
	var after time.Duration
	if seconds, wrong := strconv.Atoi(asked); wrong == nil {
		after = time.Duration(min(max(seconds, 0), int(longestPause/time.Second))) * time.Second
	} else if then, wrong := http.ParseTime(asked); wrong == nil {
		if now, wrong := http.ParseTime(header.Get("Date")); wrong == nil {
			after = min(then.Sub(now), longestPause)
		}
	}
	if after <= 0 {
		return err
	}
	return object.Postponed{Err: err, After: after}
}

// broken says why the body of an object ended early.
func broken(ctx context.Context, err error) error {
	if ended := object.Ended(ctx); ended != nil {
		return ended
	}
	if errors.Is(err, object.ErrTooLarge) {
		return err
	}
	return fmt.Errorf("%w: the object ended early: %s", object.ErrUnavailable, cause(err))
}

// word keeps of what a server sent only what belongs into a log line.
func word(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < '!' || r > '~' {
			return -1
		}
		return r
	}, s)
	return s[:min(len(s), 64)]
}
