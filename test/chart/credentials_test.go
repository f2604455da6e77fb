package chart

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// gets is what a pod has for the sake of S3 credentials: the sidecar's AWS variables, its mounts under the folder of secrets, the volumes
// that they name, and whatever another container has of these.
type gets struct {
	env     map[string]string
	mounts  map[string]any // by volume
	volumes []any
	leaks   []string
}

// token is a volume with a token of the pod's service account for one audience.
func token(audience string) any {
	return object{"name": "burgee-token", "projected": object{
		"defaultMode": 292.0,
		"sources":     []any{object{"serviceAccountToken": object{"audience": audience, "expirationSeconds": 3600.0, "path": "token"}}},
	}}
}

// Where the sidecar has its credentials from, and that no other container has them: each of the ways.
func TestCredentials(t *testing.T) {
	t.Parallel()
	mount := func(volume, path string) map[string]any {
		return map[string]any{volume: object{"name": volume, "mountPath": path, "readOnly": true}}
	}
	for name, row := range map[string]struct {
		credentials object
		want        gets
	}{
		"instance-role": {nil, gets{env: map[string]string{"AWS_REGION": "eu-central-1"}, mounts: map[string]any{}}},
		"irsa": {
			object{"from": "irsa", "roleArn": "arn:aws:iam::123456789012:role/flags"}, gets{
				env: map[string]string{
					"AWS_REGION":                  "eu-central-1",
					"AWS_ROLE_ARN":                "arn:aws:iam::123456789012:role/flags",
					"AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/burgee/token/token",
				},
				mounts:  mount("burgee-token", "/var/run/secrets/burgee/token"),
				volumes: []any{token("sts.amazonaws.com")},
			},
		},
		"pod-identity": {
			object{"from": "pod-identity"}, gets{
				env: map[string]string{
					"AWS_REGION":                             "eu-central-1",
					"AWS_CONTAINER_CREDENTIALS_FULL_URI":     "http://169.254.170.23/v1/credentials",
					"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/var/run/secrets/burgee/token/token",
				},
				mounts:  mount("burgee-token", "/var/run/secrets/burgee/token"),
				volumes: []any{token("pods.eks.amazonaws.com")},
			},
		},
		"pod-identity on IPv6": {
			object{"from": "pod-identity", "agent": "http://[fd00:ec2::23]/v1/credentials"}, gets{
				env: map[string]string{
					"AWS_REGION":                             "eu-central-1",
					"AWS_CONTAINER_CREDENTIALS_FULL_URI":     "http://[fd00:ec2::23]/v1/credentials",
					"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/var/run/secrets/burgee/token/token",
				},
				mounts:  mount("burgee-token", "/var/run/secrets/burgee/token"),
				volumes: []any{token("pods.eks.amazonaws.com")},
			},
		},
		"secret": {
			object{"from": "secret", "secret": "flags-reader"}, gets{
				env:     map[string]string{"AWS_REGION": "eu-central-1", "AWS_SHARED_CREDENTIALS_FILE": "/var/run/secrets/burgee/s3/credentials"},
				mounts:  mount("burgee-s3", "/var/run/secrets/burgee/s3"),
				volumes: []any{object{"name": "burgee-s3", "secret": object{"secretName": "flags-reader", "defaultMode": 292.0}}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := readYAML(t, "values/webhook.yaml")
			if row.credentials != nil {
				values["s3"] = object{"region": "eu-central-1", "credentials": row.credentials}
			}
			definition := injection(t, program(t, "helm"), values)
			if got := gotten(patched(t, definition, readYAML(t, "pods/init.yaml"))); !reflect.DeepEqual(got, row.want) {
				t.Errorf("the pod gets\n%+v\nwant\n%+v", got, row.want)
			}
		})
	}
}

// Region, endpoint and the way to address a bucket go with any of them.
func TestWhereTheBucketIs(t *testing.T) {
	t.Parallel()
	values := readYAML(t, "values/webhook.yaml")
	values["s3"] = object{"region": "eu-central-1", "endpoint": "https://s3.example", "pathStyle": true}
	pod := patched(t, injection(t, program(t, "helm"), values), readYAML(t, "pods/one.yaml"))
	want := map[string]string{"AWS_REGION": "eu-central-1", "AWS_ENDPOINT_URL_S3": "https://s3.example"}
	if got := gotten(pod).env; !maps.Equal(got, want) {
		t.Errorf("the sidecar has %v; want %v", got, want)
	}
	if got := variables(at(pod, "spec", "initContainers", 0))["BURGEE_S3_PATH_STYLE"]; got != "true" {
		t.Errorf("BURGEE_S3_PATH_STYLE is %q", got)
	}
}

// Keys in sidecar.env would beat the role that the chart was told of, so they go only where it was told of none; beside a Secret a profile of
// it may be named.
func TestVariablesThatWouldBeatTheCredentials(t *testing.T) {
	t.Parallel()
	helm := program(t, "helm")
	roleArn := "s3.credentials.roleArn=arn:aws:iam::123456789012:role/flags,"
	for from, row := range map[string]struct{ set, taken string }{
		"instance-role": {"", "AWS_ACCESS_KEY_ID AWS_PROFILE AWS_CONFIG_FILE AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_ROLE_SESSION_NAME AWS_CA_BUNDLE"},
		"irsa":          {roleArn, "AWS_ROLE_SESSION_NAME AWS_CA_BUNDLE"},
		"pod-identity":  {"", "AWS_ROLE_SESSION_NAME AWS_CA_BUNDLE"},
		"secret":        {"s3.credentials.secret=flags-reader,", "AWS_PROFILE AWS_ROLE_SESSION_NAME AWS_CA_BUNDLE"},
	} {
		for _, name := range strings.Fields("AWS_ACCESS_KEY_ID AWS_PROFILE AWS_CONFIG_FILE AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_ROLE_SESSION_NAME AWS_CA_BUNDLE") {
			t.Run(from+" "+name, func(t *testing.T) {
				t.Parallel()
				text, refused := template(t, helm, append(good(), "--set", row.set+"s3.credentials.from="+from+",sidecar.env[0].name="+name)...)
				if slices.Contains(strings.Fields(row.taken), name) {
					if refused != "" {
						t.Error(refused)
					}
					return
				}
				want := "sidecar.env[0]: " + name + " would decide which credentials the sidecar has, and not s3.credentials.from (" + from +
					"): take it off, or set s3.credentials.from to instance-role\n"
				if !strings.Contains(refused, want) {
					t.Errorf("it says %q and renders %d bytes; want: %s", refused, len(text), want)
				}
			})
		}
	}
}

func gotten(pod object) gets {
	g := gets{env: map[string]string{}, mounts: map[string]any{}}
	secret := func(path string) bool { return strings.HasPrefix(path, "/var/run/secrets/burgee") }
	for _, list := range []string{"initContainers", "containers"} {
		all, _ := at(pod, "spec", list).([]any)
		for _, c := range all {
			name, _ := at(c, "name").(string)
			for variable, value := range variables(c) {
				switch {
				case !strings.HasPrefix(variable, "AWS_"):
				case name == "burgee":
					g.env[variable] = value
				default:
					g.leaks = append(g.leaks, name+" has "+variable)
				}
			}
			mounts, _ := at(c, "volumeMounts").([]any)
			for _, m := range mounts {
				path, _ := at(m, "mountPath").(string)
				volume, _ := at(m, "name").(string)
				switch {
				case name == "burgee" && secret(path):
					g.mounts[volume] = m
				case name != "burgee" && volume != "burgee-socket":
					g.leaks = append(g.leaks, name+" mounts "+volume)
				}
			}
		}
	}
	volumes, _ := at(pod, "spec", "volumes").([]any)
	for _, v := range volumes {
		if name, _ := at(v, "name").(string); name != "burgee-socket" && name != "burgee-state" {
			g.volumes = append(g.volumes, v)
		}
	}
	return g
}

// variables are a container's, by name.
func variables(container any) map[string]string {
	all := map[string]string{}
	env, _ := at(container, "env").([]any)
	for _, e := range env {
		name, _ := at(e, "name").(string)
		value, _ := at(e, "value").(string)
		all[name] = value
	}
	return all
}
