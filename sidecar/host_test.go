package sidecar

import (
	"strings"
	"testing"
)

func TestLoopbackIsForLocalNamesOnly(t *testing.T) {
	_, socket, listen, admin := run(t)
	for host, good := range map[string]bool{
		"localhost": true, "LOCALHOST:8016": true, "127.0.0.1": true, "127.0.0.1:99": true, "[::1]:8016": true, "[::1]": true, "localhost:65535": true,
		"evil.example": false, "127.0.0.1.evil.example": false, "localhost.evil.example:8016": false, "": false, "10.0.0.1": false,
		"localhost:80@evil.example": false, "localhost@evil.example": false, "evil.example@localhost": false, "localhost.": false, "xlocalhost": false,
		"localhost:": false, "localhost:http": false, "localhost:65536": false, "localhost:-1": false, "localhost:+80": false, "localhost:80:80": false,
		"localhost evil.example": false, "localhost,evil.example": false, "localhost/": false, "[::1]evil.example": false, "[::1].evil.example:80": false,
		"[::1": false, "::1": false, "127.1": false, "2130706433": false, "0.0.0.0": false,
	} {
		raw := "POST " + flagsPath + "/on HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
		malformed := false
		for _, address := range []string{listen, admin} {
			got := exchange(t, "tcp", address, raw)
			malformed = malformed || strings.HasPrefix(got, "HTTP/1.1 400 ")
			switch {
			case good && address == admin: // which has no such path
			case good != strings.HasPrefix(got, "HTTP/1.1 200 "), !good && !malformed && !strings.HasPrefix(got, "HTTP/1.1 403 "):
				t.Errorf("Host %q: %.40q; want good %v", host, got, good)
			}
		}
		if got := exchange(t, "unix", socket, raw); !malformed && !strings.HasPrefix(got, "HTTP/1.1 200 ") {
			t.Errorf("Host %q on the socket: %.40q; want any name to do", host, got)
		}
	}
}

// A page's request shows in Origin, whatever stands there and however often.
func TestLoopbackIsForNoPages(t *testing.T) {
	_, socket, listen, admin := run(t)
	for _, origin := range []string{
		"Origin: https://evil.example", "origin: null", "ORIGIN: http://localhost", "Origin:", "Origin: ", "Origin:\t",
		"Origin:\r\nOrigin: https://evil.example", "Origin: \r\nOrigin:",
	} {
		raw := request("Content-Length: 0\r\n"+origin+"\r\n", "")
		for _, address := range []string{listen, admin} {
			if got := exchange(t, "tcp", address, raw); !strings.HasPrefix(got, "HTTP/1.1 403") || !strings.Contains(got, "with Origin") {
				t.Errorf("%q: %.200q; want 403 for its Origin", origin, got)
			}
		}
		if got := exchange(t, "unix", socket, raw); !strings.HasPrefix(got, "HTTP/1.1 200") {
			t.Errorf("%q on the socket: %.60q; want 200", origin, got)
		}
	}
}

// A target that names a host counts more than Host; without any, and with two, there is no telling.
func TestLoopbackIsForLocalTargetsOnly(t *testing.T) {
	_, _, listen, _ := run(t)
	const path = flagsPath + "/on"
	for _, row := range []struct{ target, hosts, want string }{
		{"http://localhost" + path, "Host: localhost\r\n", "200"},
		{"http://127.0.0.1:8016" + path, "Host: localhost\r\n", "200"},
		{"HTTP://[::1]:8016" + path + "?x=1", "Host: localhost\r\n", "200"},
		{"http://evil.example" + path, "Host: localhost\r\n", "403"},
		{"http://evil.example:8016" + path, "Host: localhost\r\n", "403"},
		{"http://localhost@evil.example" + path, "Host: localhost\r\n", "403"},
		{"http://evil.example?" + path, "Host: localhost\r\n", "403"},
		{"http://" + path, "Host: localhost\r\n", "403"},
		{"ftp://evil.example" + path, "Host: localhost\r\n", "403"},
		{"http://localhost" + path, "Host: evil.example\r\n", "403"},
		{"http://localhost" + path, "", "400"},
		{path, "", "400"},
		{path, "Host: localhost\r\nHost: localhost\r\n", "400"},
		{path, "Host: localhost\r\nHost: evil.example\r\n", "400"},
		{"*", "Host: localhost\r\n", "403"},
	} {
		raw := "POST " + row.target + " HTTP/1.1\r\n" + row.hosts + "Connection: close\r\nContent-Length: 0\r\n\r\n"
		if got := exchange(t, "tcp", listen, raw); !strings.HasPrefix(got, "HTTP/1.1 "+row.want) {
			t.Errorf("POST %s with %q: %.40q; want %s", row.target, row.hosts, got, row.want)
		}
	}
	raw := "POST " + path + " HTTP/1.0\r\nContent-Length: 0\r\n\r\n"
	if got := exchange(t, "tcp", listen, raw); !strings.HasPrefix(got, "HTTP/1.1 403") {
		t.Errorf("HTTP/1.0 without a Host: %.40q; want 403", got)
	}
}

func TestLoopbackMayBeCalledByItsOwnAddress(t *testing.T) {
	_, _, listen, _ := run(t, func(c *Config) { c.Listen = "127.0.0.2:0" })
	raw := "POST " + flagsPath + "/on HTTP/1.1\r\nHost: " + listen + "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
	if got := exchange(t, "tcp", listen, raw); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("%.60q; want 200", got)
	}
}
