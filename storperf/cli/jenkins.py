"""`jenkins run|baseline|trigger|wait|annotate`: a build, without shell around it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from storperf.cli.options import JsonFlag, RunArgument, settings, user, variables

if TYPE_CHECKING:
    from storperf.engine.cancel import Cancel
    from storperf.engine.events import Listener
    from storperf.hooks.jenkins_server import EndedBuild, JenkinsLogin
    from storperf.model.result import RunResult

app = typer.Typer(name="jenkins", help="What builds on Jenkins call.", no_args_is_help=True)


class Policy(StrEnum):
    """Where the baseline of a build comes from."""

    STORED = "stored"
    LAST_GOOD_BUILD = "last-good-build"
    LAST_GREEN_BUILD = "last-green-build"


UrlOption = Annotated[
    str, typer.Option("--url", envvar="JENKINS_URL", help="The address that Jenkins gives itself.")
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(
        "--token-file",
        metavar="FILE",
        envvar="STORPERF_JENKINS_TOKEN_FILE",
        help="The token of the user in $STORPERF_JENKINS_USER. Default: $STORPERF_JENKINS_TOKEN.",
        show_default=False,
    ),
]
JobOption = Annotated[
    str, typer.Option("--job", envvar="JOB_NAME", help="The job on Jenkins, as FOLDER/JOB.")
]
JobArgument = Annotated[str, typer.Argument(metavar="JOB", help="The job on Jenkins.")]
KeyOption = Annotated[
    Path | None,
    typer.Option(
        "--key-file",
        metavar="KEY",
        envvar="STORPERF_BASELINE_KEY_FILE",
        help="Sign the baseline with it, or demand its signature.",
        show_default=False,
    ),
]
CloudOption = Annotated[
    str, typer.Option("--cloud", envvar="CLOUD", help="A cloud of clouds.yaml, for `heat`.")
]
PatienceOption = Annotated[
    str, typer.Option("--patience", help="How long a build may be queued and built.")
]


@app.command("run")
def run(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    job_file: Annotated[
        Path, typer.Argument(metavar="JOB", envvar="JOB_FILE", help="The job file (YAML).")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Where the build's files are left.")
    ] = Path("storperf-results"),
    title: Annotated[
        str | None, typer.Option("--title", envvar="BUILD_TAG", help="A name for people.")
    ] = None,
    cloud: CloudOption = "",
    key_file: KeyOption = None,
) -> None:
    """Measure, and leave JUnit, report and baseline where Jenkins picks them up.

    The parameters AGENT_COUNT, VOLUME_SIZE, VOLUME_TYPE, DISK_TYPE, POD, WORKLOADS, BLOCK_SIZES
    and QUEUE_DEPTHS of the build, where they say something, become the job file's
    variables of these names in lower case.
    Ends as `storperf run`; the last lines are `storperf-verdict: ...` and, where neither the
    storage nor the job is to blame, `storperf-mark: infrastructure`.
    """
    from storperf import jenkins_builds, service
    from storperf.cli.running import exit_code_of, followed
    from storperf.plan import plan_job

    chosen = jenkins_builds.in_cloud(settings(context), cloud)
    jenkins_builds.clear_files(output)
    given = jenkins_builds.build_variables(os.environ)
    with _marking():
        job = service.load_job(job_file, chosen, variables=given)

        def carry_out(listeners: list[Listener], cancel: Cancel) -> RunResult:
            return service.run(chosen, job, title=title, listeners=listeners, cancel=cancel)

        result = followed(chosen, job, len(plan_job(job).trials), carry_out, as_json=False)
        jenkins_builds.leave_files(chosen, result, output, key_file)
        code = exit_code_of(result)
    sys.stdout.write(f"storperf-verdict: {jenkins_builds.description(result)}\n")
    if code == _INFRASTRUCTURE:
        _mark()
    raise typer.Exit(code)


@app.command("baseline")
def baseline(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    url: UrlOption,
    job: JobOption,
    policy: Annotated[
        Policy,
        typer.Option(
            "--policy",
            envvar="BASELINE_POLICY",
            help="`stored`: the one in the results folder, nothing is fetched. `last-good-build`: "
            "of the last build that is green or unstable; only accepted runs are in it. "
            "`last-green-build`: never of an unstable one.",
        ),
    ] = Policy.LAST_GOOD_BUILD,
    artefact: Annotated[
        str, typer.Option("--artefact", help="The path of the file among the build's artefacts.")
    ] = "storperf-results/baseline.json",
    output: Annotated[Path, typer.Option("--output", "-o", help="Write it there.")] = Path(
        "baseline.json"
    ),
    into_store: Annotated[
        bool, typer.Option("--import", help="Take it into the store at once.")
    ] = False,
    key_file: KeyOption = None,
    token_file: TokenFileOption = None,
) -> None:
    """Fetch the baseline that the last good build of a job kept.

    Where there is none yet nothing is fetched (exit code 0): the run says so itself.
    """
    from storperf import baselines, jenkins_builds

    with _marking():
        build = jenkins_builds.fetch_baseline(
            _login(url, token_file),
            job,
            policy=jenkins_builds.BaselinePolicy(policy.value),
            artefact=artefact,
            output=output,
        )
        if build is None:
            sys.stdout.write("no baseline is fetched: the store's own counts\n")
            return
        sys.stdout.write(f"{output}: the baseline of build {build}\n")
        if into_store:
            taken = baselines.import_file(settings(context), output, key_file, who=user())
            sys.stdout.write(f"{len(taken)} runs are in the store\n")


@app.command("trigger")
def trigger(  # noqa: PLR0913, PLR0917 - an option each
    job: JobArgument,
    url: UrlOption,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A parameter of the build."),
    ] = None,
    wait_for_it: Annotated[
        bool, typer.Option("--wait", help="Wait for its end, and end as `wait` does.")
    ] = False,
    patience: PatienceOption = "6h",
    token_file: TokenFileOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Start a build of a job with parameters; print its place in Jenkins' queue."""
    from storperf import jenkins_builds
    from storperf.cli.output import print_json

    login = _login(url, token_file)
    patience_s = _duration_s(patience)
    item = jenkins_builds.trigger(login, job, variables(given))
    if wait_for_it:
        sys.stderr.write(f"jenkins: {item}\n")
        _end_as(jenkins_builds.wait(login, job, item, patience_s), as_json=as_json)
    elif as_json:
        print_json({"schema": "storperf-jenkins-queued/1", "item": item})
    else:
        sys.stdout.write(f"{item}\n")


@app.command("wait")
def wait(  # noqa: PLR0913, PLR0917 - an option each
    job: JobArgument,
    build: Annotated[
        str, typer.Argument(metavar="BUILD", help="A build's number, or what `trigger` printed.")
    ],
    url: UrlOption,
    patience: PatienceOption = "6h",
    token_file: TokenFileOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Wait until a build has ended.

    Exit code: 0 SUCCESS, 3 UNSTABLE, 1 FAILURE, 4 NOT_BUILT, 130 ABORTED; 4 too when Jenkins does
    not answer or the build has not ended in time.
    """
    from storperf import jenkins_builds

    login = _login(url, token_file)
    _end_as(jenkins_builds.wait(login, job, build, _duration_s(patience)), as_json=as_json)


@app.command("annotate")
def annotate(  # noqa: PLR0913, PLR0917 - an option each
    context: typer.Context,
    url: UrlOption,
    job: JobOption,
    build: Annotated[int, typer.Option("--build", envvar="BUILD_NUMBER", help="Its number.")],
    run_text: RunArgument = "last",
    token_file: TokenFileOption = None,
) -> None:
    """Set a build's description to the verdict of a run."""
    from storperf import jenkins_builds

    login = _login(url, token_file)
    words = jenkins_builds.annotate(settings(context), run_text, login, job=job, build=build)
    sys.stdout.write(f"{words}\n")


@app.command("cleanup")
def cleanup(
    context: typer.Context,
    title: Annotated[
        str, typer.Option("--title", envvar="BUILD_TAG", help="The title of the build's runs.")
    ],
    provider: Annotated[
        str, typer.Option("--provider", envvar="PROVIDER", help="`heat`: look into the cloud too.")
    ] = "local",
    cloud: CloudOption = "",
) -> None:
    """End runs that the build left behind, and delete what is left of them in the cloud.

    Exit code 4: something stays that should have gone.
    """
    from storperf import jenkins_builds

    done, code = jenkins_builds.clean_up(
        settings(context), title, cloud=cloud or None, with_cloud=provider == "heat"
    )
    for each in done or ("nothing is left",):
        sys.stdout.write(f"{each}\n")
    raise typer.Exit(code)


# --- in detail -------------------------------------------------------------------------------

_INFRASTRUCTURE = 4


def _mark() -> None:
    """What the job definitions look for: this build is neither green nor the storage's fault."""
    sys.stdout.write("storperf-mark: infrastructure\n")


@contextmanager
def _marking() -> Iterator[None]:
    """Mark the build when its infrastructure ends it."""
    from storperf.errors import InfrastructureError

    try:
        yield
    except InfrastructureError:
        _mark()
        raise


def _login(url: str, token_file: Path | None) -> JenkinsLogin:
    """The token comes from a file or the environment: arguments are seen by every process."""
    from storperf.errors import UsageError
    from storperf.hooks.jenkins_server import JenkinsLogin

    token = os.environ.get("STORPERF_JENKINS_TOKEN", "")
    if token_file is not None:
        try:
            token = token_file.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read a token from {token_file}") from error
    return JenkinsLogin(url=url, user=os.environ.get("STORPERF_JENKINS_USER", ""), token=token)


def _end_as(ended: EndedBuild, *, as_json: bool) -> None:
    from storperf import jenkins_builds
    from storperf.cli.output import print_json

    if as_json:
        print_json({"schema": "storperf-jenkins-build/1", "build": ended})
    else:
        sys.stdout.write(f"{ended.url} {ended.result}\n")
    raise typer.Exit(jenkins_builds.exit_code_of(ended))


def _duration_s(text: str) -> float:
    from storperf.errors import UsageError
    from storperf.units import parse_duration_s

    try:
        return parse_duration_s(text)
    except ValueError as error:
        raise UsageError(str(error)) from error
