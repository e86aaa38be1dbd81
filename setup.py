"""Packaging of attnzoo: five folders of this repository under one import name.

`attnzoo` itself is an implicit namespace package, so each folder maps to a sub-package and no other
top-level name is installed (a plain `layers` or `training` would collide with users' own folders).
"""

from pathlib import Path

from setuptools import setup

VERSION = "0.1.0"

PACKAGE_DIR = {
    "attnzoo.layers": "layers",
    "attnzoo.zoo": "zoo",
    "attnzoo.training": "training",
    "attnzoo.export": "export",
    "attnzoo.cli": "cli",
}
NESTED_PACKAGES = [
    "attnzoo.export.lowering",
    "attnzoo.export.mlserver_program",
    "attnzoo.layers.feature_maps",
    "attnzoo.layers.normalizers",
    "attnzoo.layers.positions",
    "attnzoo.layers.scores",
    "attnzoo.training.demo",
    "attnzoo.training.sources",
    "attnzoo.training.tasks",
    "attnzoo.zoo.graph_classifier",
    "attnzoo.zoo.image_classifier",
    "attnzoo.zoo.pretrained",
    "attnzoo.zoo.sentiment_classifier",
    "attnzoo.zoo.sequence_tagger",
    "attnzoo.zoo.speech_encoder",
    "attnzoo.zoo.tasks",
]

# Lower bounds are the oldest versions the code is written for; comments name those tested.
INSTALL_REQUIRES = [
    "tensorflow>=2.20",  # 2.21.0
    "keras>=3.15",  # 3.15.1
    "numpy>=2.0",  # 2.4.6
    "tensorflow-datasets>=4.9.9",  # 4.9.10
    "importlib_resources>=6.0",  # 7.1.0; tensorflow-datasets 4.9.10 forgets to ask for it
    "tokenizers>=0.21",  # 0.23.3
    "safetensors>=0.5",  # 0.8.0
    "onnx>=1.18",  # 1.23.2
    "onnxruntime>=1.22",  # 1.32.0
    "tf2onnx>=1.17",  # 1.17.0
    "matplotlib>=3.8",  # 3.11.2
    "pillow>=10.1",  # 13.0.0
    "filelock>=3.12",  # 4.2.12
    "rich>=13.0",  # 15.0.0
    "scikit-learn>=1.5",  # 1.9.1
    "scipy>=1.13",  # 1.17.1
    "jiwer>=3.0",  # 4.0.0
    "soundfile>=0.12",  # 0.14.0
    "soxr>=0.5",  # 1.1.0
    "seqeval>=1.2.2",  # 1.2.2
]
EXTRAS_REQUIRE = {
    "gpu": ["tensorflow[and-cuda]>=2.20"],  # 2.21.0
    "tensorboard": ["tensorboard>=2.20"],  # 2.21.0
    "test": [
        "hypothesis>=6.100",  # 6.170.15
        "psutil>=6.0",  # 7.2.2
        "pytest>=8.0",  # 9.2.0
        "pytest-xdist>=3.6",  # 3.8.0
        "ruff>=0.15",  # 0.17.6
    ],
    "benchmarks": ["psutil>=6.0"],  # 7.2.2
}

setup(
    name="attnzoo",
    version=VERSION,
    description="A Keras 3 model zoo of self-attention, with exports proven equal to the model.",
    long_description=Path(__file__).with_name("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE"],
    python_requires=">=3.11,<3.14",
    package_dir=PACKAGE_DIR,
    packages=[*PACKAGE_DIR, *NESTED_PACKAGES],
    package_data={
        **{package: ["py.typed"] for package in PACKAGE_DIR},
        "attnzoo.export": ["py.typed", "*.c", "*.cjs"],
        "attnzoo.zoo": ["py.typed", "weights/*/*/*"],
        "attnzoo.training.demo": ["*.conll", "*.csv", "*.flac", "*.md", "*.tsv"],
    },
    install_requires=INSTALL_REQUIRES,
    extras_require=EXTRAS_REQUIRE,
    entry_points={"console_scripts": ["attnzoo = attnzoo.cli.main:main"]},
    classifiers=[
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
    ],
)
