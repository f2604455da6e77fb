package store

import (
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// parse splits a store's URL and finds its scheme. What no store has a use for is refused, lest it be thought to work.
func parse(rawURL string) (*url.URL, scheme, error) {
	name, _, ok := strings.Cut(rawURL, "://")
	if !ok {
		return nil, scheme{}, errors.New("it is no URL")
	}
	found, ok := find(name)
	if !ok {
		return nil, scheme{}, fmt.Errorf("unknown scheme %q", name)
	}
	if _, _, ok := cutUser(rawURL); ok {
		return nil, scheme{}, errors.New("credentials do not belong into it; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile or a role")
	}
	if strings.ContainsAny(rawURL, "?#") {
		return nil, scheme{}, errors.New(`it ends with its path; "?" and "#" have no meaning here`)
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, scheme{}, errors.New("it is no URL") // the error of url.Parse repeats all of it
	}
	return u, found, nil
}

func find(name string) (scheme, bool) {
	for _, s := range schemes {
		if strings.HasPrefix(s.shape, name+"://") {
			return s, true
		}
	}
	return scheme{}, false
}

// cutUser finds what stands before an "@", up to the last, since secret keys hold slashes. Behind a third slash there is no user.
func cutUser(rawURL string) (before, after string, found bool) {
	begin := 0
	if i := strings.Index(rawURL, "://"); i >= 0 {
		begin = i + len("://")
	}
	end := strings.LastIndex(rawURL, "@")
	if end < begin || rawURL[begin] == '/' {
		return rawURL, "", false
	}
	return rawURL[:begin], rawURL[end:], true
}

// printable is the URL without the places where secrets stand: before "@" and after "?".
func printable(rawURL string) string {
	shown := rawURL
	if before, after, ok := cutUser(rawURL); ok {
		shown = before + "…" + after
	}
	if path, _, ok := strings.Cut(shown, "?"); ok {
		shown = path + "?…"
	}
	return shown
}
