//go:build linux

package node

import (
	"fmt"
	"testing"

	"github.com/burgeehq/burgee/test/kubernetes/cluster"
)

func handwritten(t *testing.T, c *cluster.Cluster, s *story, key string) {
	must(t, c.Do("POST", "/api/v1/namespaces/shop/configmaps", object{"metadata": object{"name": "trust"}, "data": object{"team.pub": key}}, nil))
	sidecarYAML = fmt.Sprintf(`volumes:
    - {name: burgee-socket, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
    - {name: burgee-state, emptyDir: {sizeLimit: 32Mi}}
    - {name: burgee-s3, secret: {secretName: store, defaultMode: 0444}}
    - {name: trust, configMap: {name: trust}}
`)
	sidecarContainer = fmt.Sprintf(`
    - name: burgee
      image: localhost/burgee:test
      imagePullPolicy: IfNotPresent
      restartPolicy: Always
      env:
        - {name: BURGEE_STORE, value: %q}
        - {name: BURGEE_ENVIRONMENT, value: shop/prod}
        - {name: BURGEE_TRUST_KEY, value: /trust/team.pub}
        - {name: BURGEE_STATE_DIR, value: /var/lib/burgee}
        - {name: BURGEE_SOCKET, value: /run/burgee/burgee.sock}
        - {name: BURGEE_SOCKET_MODE, value: "0666"}
        - {name: BURGEE_LISTEN, value: "127.0.0.1:8016"}
        - {name: BURGEE_ADMIN, value: ":8014"}
        - {name: BURGEE_POLL, value: 2s}
        - {name: BURGEE_STARTUP_WAIT, value: 10s}
        - {name: BURGEE_S3_PATH_STYLE, value: "true"}
        - {name: AWS_REGION, value: us-east-1}
        - {name: AWS_ENDPOINT_URL_S3, value: %q}
        - {name: AWS_SHARED_CREDENTIALS_FILE, value: /var/run/secrets/burgee/s3/credentials}
      ports:
        - {name: burgee-admin, containerPort: 8014, protocol: TCP}
      startupProbe:
        httpGet: {path: /startupz, port: burgee-admin, scheme: HTTP}
        periodSeconds: 1
        failureThreshold: 60
      resources: {requests: {cpu: 20m, memory: 64Mi}, limits: {memory: 64Mi}}
      securityContext: {runAsUser: 65532, runAsGroup: 65532, runAsNonRoot: true, allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}, seccompProfile: {type: RuntimeDefault}}
      volumeMounts:
        - {name: burgee-socket, mountPath: /run/burgee}
        - {name: burgee-state, mountPath: /var/lib/burgee}
        - {name: trust, mountPath: /trust}
        - {name: burgee-socket, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
        - {name: burgee-s3, mountPath: /var/run/secrets/burgee/s3, readOnly: true}
`, store, s.Endpoint())
}

var sidecarYAML, sidecarContainer string

const forApp = `
      env:
        - {name: OFREP_ENDPOINT, value: "http://127.0.0.1:8016"}
        - {name: BURGEE_SOCKET, value: /run/burgee/burgee.sock}
      volumeMounts: [{name: burgee-socket, mountPath: /run/burgee, readOnly: true}]
`
