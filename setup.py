"""What pyproject.toml cannot say: heat_templates/ ships inside the package."""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["storperf", "storperf.*"]), "storperf.heat_templates"],
    package_dir={"storperf.heat_templates": "heat_templates"},
    package_data={
        "storperf": [
            "py.typed",
            "store/migrations/**/*",
            "reports/html_templates/*",
            "graphite/requirements-graphite.txt",
            "web/pages/templates/*",
            "web/pages/static/*",
            "web/native/examples.json",
            "web/*.html",
            "web/*.css",
        ],
        "storperf.heat_templates": ["*.yaml", "*.md"],
    },
)
