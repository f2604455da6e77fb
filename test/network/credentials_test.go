package network

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/burgeehq/burgee/test/kit"
	"github.com/burgeehq/burgee/test/versitygw"
)

// none is the environment of somebody who has no keys in it.
var none = []string{"AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_SESSION_TOKEN="}

// reader is a new account that may read, whose secret nobody may see.
func (s *site) reader(t *testing.T) versitygw.Credentials {
	t.Helper()
	reader := s.User(t)
	s.secrets = append(s.secrets, reader.SecretKey)
	return reader
}

func profile(c versitygw.Credentials, token string) string {
	text := fmt.Sprintf("[default]\naws_access_key_id = %s\naws_secret_access_key = %s\n", c.AccessKey, c.SecretKey)
	if token != "" {
		text += "aws_session_token = " + token + "\n"
	}
	return text
}

// Keys in a file are replaced while the sidecar runs, and the old ones deleted: it takes the new ones, without a restart.
func TestRotatedKeys(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	before, after := site.reader(t), site.reader(t)
	site.Allow(t, bucket, before, after)
	file := filepath.Join(t.TempDir(), "credentials")
	replace(t, file, profile(before, ""))
	burgee := site.start(t, site.at(site.Endpoint(), append(none, "AWS_SHARED_CREDENTIALS_FILE="+file)...))
	replace(t, file, profile(after, ""))
	site.Delete(t, before)
	site.publish(t, 2)
	back(t, burgee, 2, backWithin)
	if all := attempts(t, burgee); len(all) > 1 {
		t.Errorf("%d failed polls; want one at most: with the keys that were deleted", len(all))
	}

	// A moment without a file, or with half a one, is got over too.
	replace(t, file, "[default]\naws_access_key_id = half\n")
	site.Allow(t, bucket)
	says(t, burgee, "forbidden", "access denied: 403 AccessDenied")
	stale(t, burgee, 2)
	site.Allow(t, bucket, after)
	replace(t, file, profile(after, ""))
	site.publish(t, 3)
	back(t, burgee, 3, backWithin)
}

// Rights that are taken away are named; answers go on, and new flags come when the rights are back.
func TestRevokedRights(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	reader := site.reader(t)
	site.Allow(t, bucket, reader)
	shop := site.at(site.Endpoint(), site.Env(reader)...)
	burgee := site.start(t, shop)
	site.Allow(t, bucket)
	site.publish(t, 2)
	st := says(t, burgee, "forbidden", "access denied: 403 AccessDenied", head)
	t.Log(st.Sync.LastError.Message)
	stale(t, burgee, 1)
	burgee.Until(t, "more failures", func(st kit.Status) bool { return st.Sync.Failures >= 3 })
	backsOff(t, burgee, staleAfter)
	shop.TryPublish(kit.Flags(3, 0)).Refused(t, 1, "access denied: 403 AccessDenied", "hint: check credentials and permissions")
	site.Allow(t, bucket, reader)
	back(t, burgee, 2, backWithin)
}

// A session that ran out is named, and followed by the one that the file holds next.
func TestExpiredSession(t *testing.T) {
	t.Parallel()
	site := newSite(t)
	front, _ := site.front(t)
	const old, fresh = "old-session-token", "new-session-token"
	site.secrets = append(site.secrets, old, fresh)
	session := func(good string) meddler {
		return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
			if r.Header.Get("X-Amz-Security-Token") != good {
				refuse(400, "ExpiredToken")(w, r, nil)
				return
			}
			sessionless(site.Root)(w, r, pass)
		}
	}
	file := filepath.Join(t.TempDir(), "credentials")
	replace(t, file, profile(site.Root, old))
	front.set(session(old))
	burgee := site.start(t, site.at(front.URL, append(none, "AWS_SHARED_CREDENTIALS_FILE="+file)...))
	front.set(session(fresh))
	site.publish(t, 2)
	st := says(t, burgee, "forbidden", "access denied: 400 ExpiredToken", head)
	t.Log(st.Sync.LastError.Message)
	stale(t, burgee, 1)
	replace(t, file, profile(site.Root, fresh))
	back(t, burgee, 2, backWithin)
}

// sessionless passes requests on without their session, which the real server does not know, signed again by whose they are.
func sessionless(accounts ...versitygw.Credentials) meddler {
	return func(w http.ResponseWriter, r *http.Request, pass http.Handler) {
		for _, c := range accounts {
			if strings.Contains(r.Header.Get("Authorization"), "Credential="+c.AccessKey+"/") {
				if err := sign(r, c); err != nil {
					panic(err) // any keys sign anything
				}
				break
			}
		}
		pass.ServeHTTP(w, r)
	}
}

// issuer hands out keys to whoever shows the token that counts, in the ways of EKS and ECS (a GET) and of STS (a POST).
type issuer struct {
	*httptest.Server
	token  atomic.Pointer[string]
	keys   atomic.Pointer[versitygw.Credentials]
	issued atomic.Int32
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{}
	i.Server = httptest.NewServer(i)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) give(token string, keys versitygw.Credentials) {
	i.token.Store(&token)
	i.keys.Store(&keys)
}

// lifetime is that of a session: short, so that the SDK comes back soon.
const lifetime = 2 * time.Second

func (i *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	keys, until := i.keys.Load(), time.Now().Add(lifetime).UTC().Format(time.RFC3339)
	if r.Method == http.MethodGet {
		if r.Header.Get("Authorization") != *i.token.Load() {
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"code":"AccessDenied","message":"the token is not the one that counts"}`)
			return
		}
		i.issued.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]string{"AccessKeyId": keys.AccessKey, "SecretAccessKey": keys.SecretKey, "Expiration": until})
		return
	}
	if r.FormValue("WebIdentityToken") != *i.token.Load() {
		refuse := `<ErrorResponse><Error><Type>Sender</Type><Code>InvalidIdentityToken</Code><Message>not the one that counts</Message></Error></ErrorResponse>`
		http.Error(w, refuse, http.StatusBadRequest)
		return
	}
	i.issued.Add(1)
	_, _ = fmt.Fprintf(w, `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
		<AccessKeyId>%s</AccessKeyId><SecretAccessKey>%s</SecretAccessKey><SessionToken>a-session-of-sts</SessionToken><Expiration>%s</Expiration>
		</Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`, keys.AccessKey, keys.SecretKey, until)
}

// Tokens that a pod is given as a file are read again when they rotate; where the new one is not there yet, it is named that there are
// no credentials, and the sidecar is back as soon as it is.
func TestRotatedTokens(t *testing.T) {
	t.Parallel()
	for name, env := range map[string]func(i *issuer, file string) []string{
		"container credentials": func(i *issuer, file string) []string {
			return []string{"AWS_CONTAINER_CREDENTIALS_FULL_URI=" + i.URL + "/keys", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=" + file}
		},
		"web identity": func(i *issuer, file string) []string {
			return []string{"AWS_ENDPOINT_URL_STS=" + i.URL, "AWS_WEB_IDENTITY_TOKEN_FILE=" + file, "AWS_ROLE_ARN=arn:aws:iam::123456789012:role/flags"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site := newSite(t)
			first, second, third := site.reader(t), site.reader(t), site.reader(t)
			site.Allow(t, bucket, first, second, third)
			site.secrets = append(site.secrets, "token-one", "token-two", "token-three", "a-session-of-sts")
			front, _ := site.front(t)
			front.set(sessionless(first, second, third))
			i, file := newIssuer(t), filepath.Join(t.TempDir(), "token")
			replace(t, file, "token-one")
			i.give("token-one", first)
			burgee := site.start(t, site.at(front.URL, append(none, env(i, file)...)...))

			replace(t, file, "token-two")
			i.give("token-two", second)
			site.Delete(t, first)
			site.publish(t, 2)
			back(t, burgee, 2, backWithin)

			i.give("token-three", third) // the kubelet is late
			site.Delete(t, second)
			st := says(t, burgee, "credentials", "no credentials: ", " answered ", head)
			t.Log(st.Sync.LastError.Message)
			stale(t, burgee, 2)
			site.publish(t, 3)
			replace(t, file, "token-three")
			back(t, burgee, 3, backWithin)
			t.Logf("keys were issued %d times", i.issued.Load())
		})
	}
}
