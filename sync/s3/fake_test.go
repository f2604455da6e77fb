package s3

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
)

// setenv is a machine with credentials, a region and the given endpoint, and nothing else that an AWS client would find.
func setenv(t *testing.T, endpoint string) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID":           "AKIDEXAMPLE",
		"AWS_SECRET_ACCESS_KEY":       "a-secret",
		"AWS_SESSION_TOKEN":           "",
		"AWS_REGION":                  "us-east-1",
		"AWS_DEFAULT_REGION":          "",
		"AWS_ENDPOINT_URL_S3":         endpoint,
		"AWS_CA_BUNDLE":               "",
		"AWS_PROFILE":                 "",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED":   "true",
	} {
		t.Setenv(name, value)
	}
}

// fake gives a store whose server is handler.
func fake(t *testing.T, cfg Config, handler http.HandlerFunc) *Store {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	setenv(t, server.URL)
	cfg.Bucket, cfg.PathStyle = bucket, true
	return open(t, cfg)
}

// answer writes what S3 says when it refuses.
func answer(w http.ResponseWriter, status int, code string) {
	w.Header().Set("X-Amz-Request-Id", "REQ1")
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	if code != "" {
		_, _ = w.Write([]byte("<?xml version=\"1.0\"?>\n<Error><Code>" + code + "</Code><Message>some\nlines</Message></Error>"))
	}
}
