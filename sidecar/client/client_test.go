package client_test

import (
	"strings"
	"testing"
	"time"

	"github.com/burgeehq/burgee/sidecar/client"
)

func TestWhatNewRefuses(t *testing.T) {
	for _, row := range []struct {
		config client.Config
		want   string // in the error; "" for none
	}{
		{client.Config{}, ""},
		{client.Config{Socket: "/run/burgee/s.sock", Timeout: time.Second, Connections: 1}, ""},
		{client.Config{Address: "127.0.0.1:9000"}, ""},
		{client.Config{Address: "[::1]:9000"}, ""},
		{client.Config{Address: "localhost:9000"}, ""},
		{client.Config{Socket: "/run/s", Address: "127.0.0.1:1"}, "give one"},
		{client.Config{Address: "127.0.0.1"}, "host:port"},
		{client.Config{Address: "127.0.0.1:"}, "host:port"},
		{client.Config{Address: "10.0.0.1:8016"}, "on loopback alone"},
		{client.Config{Address: ":8016"}, "on loopback alone"},
		{client.Config{Address: "burgee.example.com:8016"}, "on loopback alone"},
		{client.Config{Timeout: -1}, "must not be negative"},
		{client.Config{Connections: -1}, "must not be negative"},
	} {
		c, err := client.New(row.config)
		switch {
		case row.want == "" && err != nil:
			t.Errorf("%+v: %v", row.config, err)
		case row.want != "" && (err == nil || c != nil || !strings.Contains(err.Error(), row.want)):
			t.Errorf("%+v: error %v; want one with %q", row.config, err, row.want)
		}
	}
}
