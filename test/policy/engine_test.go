package policy

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/apiserver/pkg/admission/plugin/policy/mutating"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/apiserver/pkg/util/compatibility"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/discovery"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/openapi"
)

// The namespaces that there are.
var shop, system = namespace("shop"), namespace("kube-system")

func namespace(name string) *core.Namespace {
	return &core.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"kubernetes.io/metadata.name": name}}}
}

// engine is the part of an API server that runs policies: the two plugins themselves, with a client that knows no more than the chart's
// policies, their bindings and a namespace.
type engine struct {
	mutating   *mutating.Plugin
	validating *validating.Plugin
}

func newEngine(t testing.TB, c *chart) *engine {
	t.Helper()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	client := &clientset{fake.NewSimpleClientset(shop, system, c.mutating, c.mutatingBinding, c.validating, c.validatingBinding)}
	shared := informers.NewSharedInformerFactory(client, 0)
	mapper := meta.NewDefaultRESTMapper(nil)
	mapper.Add(core.SchemeGroupVersion.WithKind("Pod"), meta.RESTScopeNamespace)
	initialize := initializer.New(client, dynamicfake.NewSimpleDynamicClient(scheme.Scheme), shared, everyone{}, utilfeature.DefaultFeatureGate,
		compatibility.DefaultBuildEffectiveVersion(), stop, mapper)

	e := &engine{}
	var err error
	if e.mutating, err = mutating.NewPlugin(nil); err != nil {
		t.Fatal(err)
	}
	if e.validating, err = validating.NewPlugin(nil); err != nil {
		t.Fatal(err)
	}
	for _, plugin := range []interface {
		admission.Interface
		admission.InitializationValidator
	}{e.mutating, e.validating} {
		initialize.Initialize(plugin)
		if err := plugin.ValidateInitialization(); err != nil {
			t.Fatal(err)
		}
	}
	shared.Start(stop)
	shared.WaitForCacheSync(stop)
	e.untilReady(t)
	return e
}

// untilReady waits until both policies are in force.
func (e *engine) untilReady(t testing.TB) {
	t.Helper()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	for {
		good, bad := newPod(), newPod()
		good.Annotations = map[string]string{"burgee.dev/store": "s3://flags/shop/prod", "burgee.dev/environment": "shop/prod"}
		bad.Spec.HostNetwork = true
		errGood, errBad := e.admit(good), e.admit(bad)
		if errGood == nil && len(good.Spec.InitContainers) == 1 && errBad != nil {
			return
		}
		select {
		case <-look.C:
		case <-limit.C:
			t.Fatalf("the policies are not in force: a good pod has %d init containers (%v), a bad one is told %v", len(good.Spec.InitContainers), errGood, errBad)
		}
	}
}

// admit does with a pod what an API server does with one that is created, but for defaults: the pod is as the policy leaves it.
func (e *engine) admit(pod *core.Pod) error {
	if err := e.mutate(pod); err != nil {
		return err
	}
	attributes := attributesOf(pod)
	return e.validating.Validate(context.Background(), attributes, objects)
}

func (e *engine) mutate(pod *core.Pod) error {
	return e.mutating.Admit(context.Background(), attributesOf(pod), objects)
}

var objects = admission.NewObjectInterfacesFromScheme(scheme.Scheme)

func attributesOf(pod *core.Pod) admission.Attributes {
	return admission.NewAttributesRecord(pod, nil, core.SchemeGroupVersion.WithKind("Pod"), pod.Namespace, pod.Name,
		core.SchemeGroupVersion.WithResource("pods"), "", admission.Create, &metav1.CreateOptions{}, false, nil)
}

// told is what the policy's author said of a refusal, or "" where the pod is taken. Errors of other kinds are given whole.
func told(err error) string {
	if err == nil {
		return ""
	}
	status := (*apierrors.StatusError)(nil)
	if !errors.As(err, &status) {
		return err.Error()
	}
	_, message, found := strings.Cut(status.ErrStatus.Message, " denied request: ")
	if !found || !strings.Contains(status.ErrStatus.Message, "ValidatingAdmissionPolicy") {
		return status.ErrStatus.Message
	}
	return message
}

// everyone may do everything.
type everyone struct{}

func (everyone) Authorize(context.Context, authorizer.Attributes) (authorizer.Decision, string, error) {
	return authorizer.DecisionAllow, "", nil
}

// clientset is the fake one with an OpenAPI document, which the engine wants to see though JSON patches do not need it.
type clientset struct{ *fake.Clientset }

var _ kubernetes.Interface = (*clientset)(nil)

func (c *clientset) Discovery() discovery.DiscoveryInterface {
	return described{c.Clientset.Discovery()}
}

type described struct{ discovery.DiscoveryInterface }

func (described) OpenAPIV3() openapi.Client { return document{} }

type document struct{}

func (document) Paths() (map[string]openapi.GroupVersion, error) {
	return map[string]openapi.GroupVersion{"api/v1": document{}}, nil
}

func (document) Schema(string) ([]byte, error) {
	return json.Marshal(map[string]any{"openapi": "3.0.0", "components": map[string]any{"schemas": map[string]any{}}})
}

func (document) ServerRelativeURL() string { return "/openapi/v3/api/v1" }
