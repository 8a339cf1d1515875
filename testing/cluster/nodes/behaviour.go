package nodes

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// Annotations of a pod by which a test says what it does.
const (
	behaviourKey = "windlass.test/pod"
	delayKey     = "windlass.test/delay"
	stopKey      = "windlass.test/stop"
)

// What a pod does once its delay has passed.
type outcome string

const (
	becomesReady outcome = "ready"
	losesReady   outcome = "unready"
	crashes      outcome = "crash"
	fails        outcome = "fail"
	succeeds     outcome = "succeed"
	lacksImage   outcome = "image-pull"
	lacksConfig  outcome = "config-error"
	staysPending outcome = "pending"
)

// A behaviour is what the annotations of one pod ask for.
type behaviour struct {
	outcome     outcome
	delay, stop time.Duration
}

// A stage is what a pod is at one moment.
type stage struct {
	kind     kind
	restarts int32
	// message of a container that waits.
	message string
	// next is when the stage ends, counted from now; 0 if it lasts.
	next time.Duration
}

type kind int

const (
	creating kind = iota
	running
	ready
	crashed
	failed
	succeeded
	withoutImage
	withoutConfig
)

const (
	// A crashing container runs this long each time, and waits firstWait, then twice that, and so on up to longestWait. A
	// real kubelet begins with ten seconds.
	crashRun    = 200 * time.Millisecond
	firstWait   = time.Second
	longestWait = time.Minute
)

// behaviourOf reads the annotations. A pod that lasts is ready by default, one that ends succeeds.
func behaviourOf(pod *corev1.Pod) (behaviour, error) {
	asked := behaviour{outcome: outcome(pod.Annotations[behaviourKey])}
	var err error
	if asked.delay, err = duration(pod, delayKey); err != nil {
		return asked, err
	}
	if asked.stop, err = duration(pod, stopKey); err != nil {
		return asked, err
	}
	switch asked.outcome {
	case "":
		asked.outcome = becomesReady
		if pod.Spec.RestartPolicy != corev1.RestartPolicyAlways {
			asked.outcome = succeeds
		}
	case crashes:
		if pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
			asked.outcome = fails
		}
	case becomesReady, losesReady, fails, succeeds, lacksImage, lacksConfig, staysPending:
	default:
		return asked, fmt.Errorf("%s: nothing is called %q", behaviourKey, asked.outcome)
	}
	return asked, nil
}

func duration(pod *corev1.Pod, key string) (time.Duration, error) {
	text, given := pod.Annotations[key]
	if !given {
		return 0, nil
	}
	parsed, err := time.ParseDuration(text)
	if err != nil || parsed < 0 {
		return 0, fmt.Errorf("%s: %q is no time such as 500ms or 2s", key, text)
	}
	return parsed, nil
}

// stageOf is what a pod is, so long after it was first seen.
func stageOf(pod *corev1.Pod, elapsed time.Duration) stage {
	asked, err := behaviourOf(pod)
	if err != nil {
		return stage{kind: withoutConfig, message: err.Error()}
	}
	if elapsed < asked.delay {
		return stage{kind: asked.outcome.before(), next: asked.delay - elapsed}
	}
	switch asked.outcome {
	case becomesReady:
		return stage{kind: ready}
	case losesReady:
		return stage{kind: running}
	case crashes:
		return crashLoop(elapsed - asked.delay)
	case fails:
		return stage{kind: failed}
	case succeeds:
		return stage{kind: succeeded}
	case lacksImage:
		return stage{kind: withoutImage, message: "Back-off pulling image: as " + behaviourKey + " asks"}
	case lacksConfig:
		return stage{kind: withoutConfig, message: "missing configuration: as " + behaviourKey + " asks"}
	default:
		return stage{kind: creating}
	}
}

// before is what a pod is until its delay has passed: what goes wrong with running pods is preceded by readiness.
func (o outcome) before() kind {
	switch o {
	case becomesReady:
		return running
	case losesReady, crashes, fails, succeeds:
		return ready
	default:
		return creating
	}
}

// crashLoop is where a container is, so long after its first crash; the first restart follows that crash at once.
func crashLoop(elapsed time.Duration) stage {
	wait := firstWait
	for restarts := int32(1); ; restarts++ {
		if elapsed < wait {
			return stage{kind: crashed, restarts: restarts, next: wait - elapsed}
		}
		elapsed -= wait
		if elapsed < crashRun {
			return stage{kind: running, restarts: restarts + 1, next: crashRun - elapsed}
		}
		elapsed -= crashRun
		wait = min(2*wait, longestWait)
	}
}
